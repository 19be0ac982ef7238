"""Reads settings from all sources, validates them and records where each value came from."""

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from novaflow.errors import SettingsInvalid
from novaflow.model.settings import Settings
from novaflow.settings.core import CoreSettings
from novaflow.settings.group import Conflict, SettingsGroup, find_allowed, find_fields, holds_paths, holds_several_paths, is_secret
from novaflow.settings.sources import Assignment, Problem, SettingsNotice, find_current_folder, read_sources
from novaflow.settings.texts import MASK, write_value

_ELSEWHERE = ("192.0.2.1", 9)  # RFC 5737, documentation; connecting a datagram socket selects a route and sends nothing
_NOTHING: Mapping[str, str] = MappingProxyType({})
_FOLDERS = ("NOVAFLOW_WORKFLOWS", "NOVAFLOW_COMPONENTS_PATH")


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Effective settings; ``origins`` maps the name of each setting, as users write it, to the source of its value.

    ``notes`` are lines for the user about files that are ignored.
    """

    settings: Settings
    origins: Mapping[str, str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Reader:
    """The assignments of one set of groups, and how to turn them into values."""

    fields: Mapping[str, type[SettingsGroup]]
    chosen: Mapping[str, Assignment]
    root: Path

    def build(self, group: type[SettingsGroup]) -> SettingsGroup:
        names = [name for name, owner in self.fields.items() if owner is group]
        defaults = {name: self._default_path(name) for name in names if holds_paths(group, name)}
        values = {name: self._resolve(self.chosen[name]) for name in names if name in self.chosen}
        return group.model_validate({name.lower(): value for name, value in (defaults | values).items()})

    def _default_path(self, name: str) -> object:
        default = self.fields[name].model_fields[name.lower()].get_default(call_default_factory=True)
        return self.root / default if isinstance(default, Path) else default

    def _resolve(self, one: Assignment) -> str:
        if holds_paths(self.fields[one.name], one.name):
            paths = one.text.split(":") if holds_several_paths(self.fields[one.name], one.name) else [one.text]
            return ":".join(path if path.startswith("~") else str((one.folder / path).absolute()) for path in paths if path)
        if one.name == "HOST_IP" and one.text == "auto":
            return find_source_address()
        return one.text

    def explain(self, details: ErrorDetails) -> str:
        """Return one line for one error of pydantic's."""
        name = str(details["loc"][0]).upper()
        reason = details.get("ctx", {}).get("error")
        return f"{self._cite(name)}: {f'{reason}; ' if reason else ''}allowed: {find_allowed(self.fields[name], name).values}"

    def explain_conflict(self, conflict: Conflict) -> str:
        return f"{' and '.join(map(self._cite, conflict.names))}: {conflict.reason}"

    def _cite(self, name: str) -> str:
        group = self.fields[name]
        if name not in self.chosen:
            return f"{name}={write_value(group.model_fields[name.lower()].get_default())} (default)"
        text = self.chosen[name].text
        shown = MASK if is_secret(group, name) else text if text.isprintable() else repr(text)
        return f"{name}={shown} ({self.chosen[name].origin})"


def load_settings(
    stack: Path,
    groups: tuple[type[SettingsGroup], ...] = (),
    *,
    overrides: Mapping[str, str] = _NOTHING,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> LoadedSettings:
    """Return the settings of the stack in the folder ``stack``: the core's and those of ``groups``.

    ``overrides`` is the command line. An empty value means the default. ``environ`` and ``cwd`` default to the process's.

    Raises: SettingsInvalid, with one line for each error.
    """
    fields = find_fields((CoreSettings, *groups))
    sources = tuple(read_sources(fields, stack=stack, overrides=overrides, environ=environ, cwd=cwd))
    last = {one.name: one for one in sources if isinstance(one, Assignment)}
    reader = _Reader(fields, {name: one for name, one in last.items() if one.text}, ((cwd or find_current_folder()) / stack).absolute())
    problems = [one.text for one in sources if isinstance(one, Problem)]
    problems += [_refuse_secret(name) for name in overrides if name in fields and is_secret(fields[name], name)]
    values: dict[type, object] = {}
    for group in dict.fromkeys(fields.values()):
        try:
            values[group] = reader.build(group)
        except ValidationError as error:
            problems.extend(map(reader.explain, error.errors()))
    if problems:
        # Not "from error": the text of pydantic's error quotes values, passwords among them.
        raise SettingsInvalid("\n".join(problems))
    settings = _combine(values)
    if conflicts := [*_find_conflicts(settings)]:
        raise SettingsInvalid("\n".join(map(reader.explain_conflict, conflicts)))
    origins = {name: reader.chosen[name].origin if name in reader.chosen else "default" for name in fields}
    return LoadedSettings(settings, origins, tuple(one.text for one in sources if isinstance(one, SettingsNotice)))


def _refuse_secret(name: str) -> str:
    where = f"`sudo --preserve-env={name} novaflow …`, or set it in a .env file of mode 0600"
    return f"{name} (command line): every user of this machine can read it there; choose another value, and pass it as a variable: {where}"


def load_component_folders(
    stack: Path, *, overrides: Mapping[str, str] = _NOTHING, environ: Mapping[str, str] | None = None, cwd: Path | None = None
) -> tuple[Path, tuple[Path, ...]]:
    """Return NOVAFLOW_WORKFLOWS and NOVAFLOW_COMPONENTS_PATH: they are needed to find the components that declare all other settings.

    Raises: SettingsInvalid, if one of the two is wrong; other errors are left to ``load_settings``.
    """
    fields = {name: group for name, group in find_fields((CoreSettings,)).items() if name in _FOLDERS}
    sources = read_sources(fields, stack=stack, overrides=overrides, environ=environ, cwd=cwd)
    last = {one.name: one for one in sources if isinstance(one, Assignment)}
    reader = _Reader(fields, {name: one for name, one in last.items() if one.text}, ((cwd or find_current_folder()) / stack).absolute())
    try:
        core = reader.build(CoreSettings)
    except ValidationError as error:
        raise SettingsInvalid("\n".join(map(reader.explain, error.errors()))) from None
    settings = _combine({CoreSettings: core}).of(CoreSettings)
    return settings.novaflow_workflows, settings.novaflow_components_path


def combine_settings(*groups: SettingsGroup) -> Settings:
    """Return the settings with these groups, and the defaults of the core's where it is not among them."""
    return _combine({CoreSettings: CoreSettings()} | {type(group): group for group in groups})


def _combine(values: Mapping[type, object]) -> Settings:
    core = values[CoreSettings]
    if not isinstance(core, CoreSettings):
        raise TypeError(f"expected {CoreSettings.__name__}, found {type(core).__name__}")
    tls = core.novaflow_tls if core.novaflow_tls is not None else not IPv4Address(core.host_ip).is_loopback
    return Settings(core.host_ip, values, tls, core.novaflow_timeout_factor)


def _find_conflicts(settings: Settings) -> Iterator[Conflict]:
    for group in settings.groups.values():
        if isinstance(group, SettingsGroup):
            yield from group.find_conflicts(settings)


def find_source_address(towards: tuple[str, int] = _ELSEWHERE) -> str:
    """Return the source address of the route to ``towards``; ``auto`` if there is no route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(towards)
        except OSError:
            return "auto"
        return str(probe.getsockname()[0])
