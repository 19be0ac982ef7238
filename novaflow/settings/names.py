"""Which setting somebody meant who wrote a name that is none."""

from collections.abc import Collection
from difflib import get_close_matches

OURS = "NOVAFLOW_"
SET_BY_NOVAFLOW = frozenset({"NOVAFLOW_NODE"})  # in the environment of what it starts, which may call novaflow again

_ALIKE = 0.8  # of 1: finds USE_MYSLQ and MYSQL_PASSWORD, and leaves USE_SSL and MYSQL_USER alone
_LONG_ENOUGH = 8  # letters: below, other programs' names are one slip away by chance (HOST_ID, NET_MAX)


def find_meant_in_file(name: str, known: Collection[str]) -> str | None:
    """Return the setting that ``name`` is close to; a .env file is ours, so that little closeness is enough."""
    if name.startswith(OURS):
        # The prefix is alike in all of them: what follows decides.
        rest = find_meant_in_file(name.removeprefix(OURS), {one.removeprefix(OURS) for one in known if one.startswith(OURS)})
        return rest and OURS + rest
    return next(iter(get_close_matches(name.upper(), sorted(known), n=1, cutoff=_ALIKE)), None)


def find_meant_in_environment(name: str, known: Collection[str]) -> str | None:
    """Return the setting that ``name`` is one slip of the hand away from.

    The environment is everybody's: a known name with something added (MYSQL_PASSWORD, HOST_IPS) is another program's.
    """
    if name.startswith(OURS):
        return find_meant_in_file(name, known)
    return next((one for one in sorted(known) if _is_slip(name, one)), None)


def _is_slip(name: str, meant: str) -> bool:
    if name.startswith(meant):
        return False
    head = _common_head(name, meant)
    wrong, right = name[head:], meant[head:]
    if wrong[1:2] + wrong[:1] + wrong[2:] == right:
        return len(wrong) > 1
    one_off = wrong[1:] == right or wrong == right[1:] or (wrong[1:] == right[1:] and wrong[:1].isalpha())
    return one_off and len(meant) >= _LONG_ENOUGH


def _common_head(one: str, other: str) -> int:
    return next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
