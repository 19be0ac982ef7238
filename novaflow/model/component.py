"""A component: the steps and services that an operator knows by one name."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from novaflow.events.types import Event
from novaflow.model.check import Check
from novaflow.model.orphan import FindOrphans
from novaflow.model.service import Part
from novaflow.model.settings import Settings
from novaflow.model.step import always

T = TypeVar("T")
Secret = Callable[[str], str]  # returns the password of that name


@dataclass(frozen=True, slots=True)
class NotificationSource:
    """Queues with messages of another program that become events of the stack while its services run.

    ``read`` returns the event for a message, or ``None`` if the message is of no interest; it raises ValueError, KeyError or
    TypeError for an invalid message. A message is acknowledged when its event is in the journal.
    """

    name: str
    queues: tuple[str, ...]
    url: Callable[[Settings, Secret], str]
    read: Callable[[bytes], Event | None]
    when: Callable[[Settings], bool] = always


def no_urls(_: Settings) -> Mapping[str, str]:
    """Return no address: users do not reach the component."""
    return {}


@dataclass(frozen=True, slots=True)
class Component:
    """One thing that an operator knows by name.

    ``parts`` maps the name of a workflow to the steps and services that this component adds to it.
    ``settings`` are the classes of settings that it reads. ``declares`` holds values that other components use, such as a
    database or system packages; ``declared`` collects them by type. ``aliases`` are further names that users may write.
    ``urls`` maps a name to an address that users reach. ``orphans`` find what its parts leave on the machine.
    ``checks`` are those of ``doctor``. ``notification_sources`` become events. ``when`` returns whether the settings enable it.
    ``default`` says whether it runs if NOVAFLOW_SERVICES is not set or contains ``default``; with ``every_stack``, it always runs.
    """

    name: str
    summary: str
    parts: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)
    settings: tuple[type, ...] = ()
    declares: tuple[object, ...] = ()
    checks: tuple[Check, ...] = ()
    aliases: tuple[str, ...] = ()
    notification_sources: tuple[NotificationSource, ...] = ()
    urls: Callable[[Settings], Mapping[str, str]] = no_urls
    orphans: tuple[FindOrphans, ...] = ()
    when: Callable[[Settings], bool] = always
    default: bool = True
    every_stack: bool = False


def declared(components: Iterable[Component], kind: type[T]) -> tuple[T, ...]:
    """Return the values of that type that the components declare, in their order."""
    return tuple(value for component in components for value in component.declares if isinstance(value, kind))
