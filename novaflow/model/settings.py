"""The effective settings of a stack, by group."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

G = TypeVar("G")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that hold for a stack.

    ``host_ip`` is the address that services listen on and advertise. ``groups`` maps each class of settings, which a
    component declares, to its value.
    """

    host_ip: str = "127.0.0.1"
    groups: Mapping[type, object] = field(default_factory=dict)

    def of(self, group: type[G]) -> G:
        """Return the settings of that class.

        Raises: LookupError, if no component declares them.
        """
        for value in self.groups.values():
            if isinstance(value, group):
                return value
        raise LookupError(f"no component declares the settings {group.__name__}")
