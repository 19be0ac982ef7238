"""From texts in several places to one legal value that knows where each part came from."""

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from novaflow.errors import SettingsInvalid
from novaflow.settings.fields import NAMES, PATHS, SECRETS, Settings, find_allowed
from novaflow.settings.sources import Found, Problem, read_sources
from novaflow.settings.texts import MASK, write_value
from novaflow.settings.validators import Clash, SettingsClash

_ELSEWHERE = ("192.0.2.1", 9)  # RFC 5737: nobody's; a datagram socket asks for the route and sends nothing
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Loaded:
    """Effective settings; ``origins`` maps each setting's name, as users write it, to where its value came from."""

    settings: Settings
    origins: Mapping[str, str]


def load_settings(
    stack: Path, *, overrides: Mapping[str, str] = _NOTHING, environ: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Loaded:
    """Return what holds for the stack in the folder ``stack``; ``overrides`` is the command line, by the settings' names.

    An empty value means the default. ``None`` means the process's own environment and current folder.

    Raises: SettingsInvalid, with a line for each thing that is wrong.
    """
    sources = tuple(read_sources(NAMES, stack=stack, overrides=overrides, environ=environ, cwd=cwd))
    problems = [one.text for one in sources if isinstance(one, Problem)]
    last = {one.name: one for one in sources if isinstance(one, Found)}
    chosen = {name: one for name, one in last.items() if one.text}
    root = ((cwd or Path.cwd()) / stack).absolute()
    try:
        settings = Settings.model_validate(_default_paths(root) | {NAMES[name]: _resolve(one) for name, one in chosen.items()})
    except ValidationError as error:
        problems.extend(line for details in error.errors() for line in _explain(details, chosen))
        # Not "from error": pydantic's own text quotes values, passwords among them.
        raise SettingsInvalid("\n".join(problems)) from None
    if problems:
        raise SettingsInvalid("\n".join(problems))
    return Loaded(settings, {name: chosen[name].origin if name in chosen else "default" for name in NAMES})


def find_source_address(towards: tuple[str, int] = _ELSEWHERE) -> str:
    """Return the address this machine shows on its way there; ``auto`` if there is no way."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(towards)
        except OSError:
            return "auto"
        return str(asking.getsockname()[0])


def _default_paths(root: Path) -> dict[str, str]:
    return {name: str(root / default) for name, default in PATHS.items()}


def _resolve(one: Found) -> str:
    if NAMES[one.name] in PATHS and not one.text.startswith("~"):
        return str((one.folder / one.text).absolute())
    if one.name == "HOST_IP" and one.text == "auto":
        return find_source_address()
    return one.text


def _explain(details: ErrorDetails, chosen: Mapping[str, Found]) -> Iterator[str]:
    reason = details.get("ctx", {}).get("error")
    if isinstance(reason, SettingsClash):
        yield from (_explain_clash(clash, chosen) for clash in reason.clashes)
    else:
        name = str(details["loc"][0]).upper()
        why = f"{reason}; " if reason else ""
        yield f"{_cite(name, chosen)}: {why}allowed: {find_allowed(NAMES[name]).values}"


def _explain_clash(clash: Clash, chosen: Mapping[str, Found]) -> str:
    return f"{' and '.join(_cite(name.upper(), chosen) for name in clash.names)}: {clash.why}"


def _cite(name: str, chosen: Mapping[str, Found]) -> str:
    if name not in chosen:
        return f"{name}={write_value(Settings.model_fields[NAMES[name]].get_default())} (default)"
    text = MASK if NAMES[name] in SECRETS else chosen[name].text
    return f"{name}={text} ({chosen[name].origin})"
