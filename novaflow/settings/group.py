"""A group of settings: a class that a component declares, with the types that its fields have."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from novaflow.model.settings import Settings
from novaflow.settings.validators import read_line


@dataclass(frozen=True, slots=True)
class Allowed:
    """The allowed values of a setting, for an operator; ``default`` describes a default that is computed."""

    values: str
    unit: str = ""
    default: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Settings that exclude each other; ``names`` are their names as users write them."""

    names: tuple[str, ...]
    reason: str


class SettingsGroup(BaseSettings):
    """Base of every class of settings.

    The name of a field in upper case is the name that users write. A relative default path starts at the folder of the
    stack. An instance that is created without arguments has all defaults; it never reads the environment.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    @classmethod
    def settings_customise_sources(cls, *_: Any, **sources: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values from ``load_settings`` alone: pydantic's own sources do not report the line that a value comes from."""
        return (sources["init_settings"],)

    def find_conflicts(self, settings: Settings) -> Iterable[Conflict]:
        """Return the settings that exclude each other, this group's and others'; called when each of them is valid."""
        del settings
        return ()

    def find_unavailable(self) -> Iterable[Conflict]:
        """Return the settings that name something that this machine does not have.

        Only `config` refuses them: `status` and `clean` must work when a network card has been removed, and `up` runs the checks.
        """
        return ()


Switch = Annotated[bool, Allowed("0, 1")]
Password = Annotated[SecretStr | None, AfterValidator(read_line), Allowed("any text of one line", default="none")]
Command = Annotated[str | None, Allowed("a shell command", default="none")]


def count_processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


def find_fields(groups: Iterable[type[SettingsGroup]]) -> Mapping[str, type[SettingsGroup]]:
    """Return the name of each setting, as users write it, and its group."""
    return {field.upper(): group for group in groups for field in group.model_fields}


def find_allowed(group: type[SettingsGroup], name: str) -> Allowed:
    """Return the allowed values of a setting."""
    return next(one for one in group.model_fields[name.lower()].metadata if isinstance(one, Allowed))


def is_secret(group: type[SettingsGroup], name: str) -> bool:
    """Return whether the value of the setting must not be shown."""
    return group.model_fields[name.lower()].annotation == SecretStr | None


def holds_paths(group: type[SettingsGroup], name: str) -> bool:
    """Return whether the setting holds one path or several."""
    return group.model_fields[name.lower()].annotation in {Path, Path | None} or holds_several_paths(group, name)


def holds_several_paths(group: type[SettingsGroup], name: str) -> bool:
    """Return whether the setting holds paths that are separated by colons."""
    return group.model_fields[name.lower()].annotation == tuple[Path, ...]
