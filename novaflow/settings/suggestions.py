"""Suggests the setting, or another known name, that a misspelt name stands for."""

from collections.abc import Collection
from difflib import get_close_matches

PREFIX = "NOVAFLOW_"
SET_BY_NOVAFLOW = frozenset({"NOVAFLOW_NODE"})  # in the environment of the programs it starts, which may call novaflow

_CUTOFF = 0.8  # of 1: finds USE_MYSLQ and MYSQL_PASSWORD; ignores USE_SSL and MYSQL_USER
_SHORTEST = 8  # letters; shorter names of other programs differ by one letter by chance (HOST_ID, NET_MAX)


def hint_nearest(name: str, known: Collection[str]) -> str:
    """Return the end of a message with the known name that is most similar; empty if none is."""
    return "".join(f"; did you mean {near}?" for near in get_close_matches(name, known, n=1))


def suggest_in_file(name: str, known: Collection[str]) -> str | None:
    """Return the setting that a name in a .env file is close to."""
    if name.startswith(PREFIX):
        # All of them have the same prefix: compare the rest.
        rest = suggest_in_file(name.removeprefix(PREFIX), {one.removeprefix(PREFIX) for one in known if one.startswith(PREFIX)})
        return rest and PREFIX + rest
    return next(iter(get_close_matches(name.upper(), sorted(known), n=1, cutoff=_CUTOFF)), None)


def suggest_in_environment(name: str, known: Collection[str]) -> str | None:
    """Return the setting that differs from a name in the environment by one typing error.

    Other programs share the environment: a known name with a suffix (MYSQL_PASSWORD, HOST_IPS) belongs to one of them.
    """
    if name.startswith(PREFIX):
        return suggest_in_file(name, known)
    return next((one for one in sorted(known) if _is_typing_error(name, one)), None)


def _is_typing_error(name: str, setting: str) -> bool:
    if name.startswith(setting):
        return False
    length = _common_prefix(name, setting)
    wrong, right = name[length:], setting[length:]
    if wrong[1:2] + wrong[:1] + wrong[2:] == right:
        return len(wrong) > 1
    one_off = wrong[1:] == right or wrong == right[1:] or (wrong[1:] == right[1:] and wrong[:1].isalpha())
    return one_off and len(setting) >= _SHORTEST


def _common_prefix(one: str, other: str) -> int:
    return next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
