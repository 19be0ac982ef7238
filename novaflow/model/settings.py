"""The effective settings of a stack, by group."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

G = TypeVar("G")
LOOPBACK = "127"  # the first number of every loopback address


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that hold for a stack.

    ``host_ip`` is the address that clients connect to, with TLS if ``tls`` is set. ``groups`` maps each class of settings,
    which a component declares, to its value. ``timeout_factor`` multiplies the time that a step has, and the time that a service
    has to become ready, to answer each check and to exit.
    """

    host_ip: str = "127.0.0.1"
    groups: Mapping[type, object] = field(default_factory=dict)
    tls: bool = False
    timeout_factor: float = 1.0

    @property
    def local_ip(self) -> str:
        """Return the loopback address that services listen on.

        It differs from ``host_ip`` if a proxy in front of the services accepts the connections to ``host_ip``: to encrypt
        them, or because ``host_ip`` is not a loopback address. Stacks with different addresses have different ones.
        """
        network, second, *rest = self.host_ip.split(".")
        if network == LOOPBACK and self.tls:
            second = str((int(second) + 1) % 256)
        return ".".join((LOOPBACK, second, *rest))

    @property
    def uses_proxy(self) -> bool:
        """Return whether a proxy accepts the connections of clients."""
        return self.local_ip != self.host_ip

    def of(self, group: type[G]) -> G:
        """Return the settings of that class.

        Raises: LookupError, if no component declares them.
        """
        for value in self.groups.values():
            if isinstance(value, group):
                return value
        raise LookupError(f"no component declares the settings {group.__name__}")
