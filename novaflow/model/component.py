"""A component: the steps and services that an operator knows by one name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from novaflow.events.types import Event
from novaflow.model.check import Check
from novaflow.model.orphan import FindOrphans
from novaflow.model.service import Part
from novaflow.model.step import always

if TYPE_CHECKING:
    from novaflow.settings import Settings


Secret = Callable[[str], str]  # the stack's password of that name


@dataclass(frozen=True, slots=True)
class NotificationSource:
    """Queues of somebody else's messages that become events of the stack while its services are up.

    ``read`` returns the event that a message tells of, ``None`` if it is none of ours, and raises ValueError, KeyError or
    TypeError where it cannot tell. A message leaves its queue when its event is in the journal.
    """

    name: str
    queues: tuple[str, ...]
    url: "Callable[[Settings, Secret], str]"
    read: "Callable[[bytes], Event | None]"
    when: "Callable[[Settings], bool]" = always


def no_urls(_: "Settings") -> Mapping[str, str]:
    """Name no address: users do not reach it."""
    return {}


@dataclass(frozen=True, slots=True)
class Component:
    """One thing an operator knows by name.

    ``parts`` maps a workflow's name to what this component brings to it, ``packages`` are Debian's,
    ``aliases`` are the names nova.sh had for it, ``notification_sources`` what it has to tell beside its own life, ``urls`` where users
    reach it, by the name `status` has for the address,
    ``orphans`` find what its parts leave on the machine, and ``clean`` removes, when nothing of the stack runs.
    """

    name: str
    summary: str
    parts: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    aliases: tuple[str, ...] = ()
    notification_sources: tuple[NotificationSource, ...] = ()
    urls: "Callable[[Settings], Mapping[str, str]]" = no_urls
    orphans: tuple[FindOrphans, ...] = ()
    when: "Callable[[Settings], bool]" = always
