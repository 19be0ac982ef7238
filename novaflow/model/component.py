"""What a component is: the steps and services an operator knows by one name."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from novaflow.model.event import Event
    from novaflow.model.probe import Probe
    from novaflow.settings import Settings


@dataclass(frozen=True, slots=True)
class Paths:
    """Where everything of one stack lies; absolute, because a relative path breaks in a privileged helper."""

    root: Path

    @property
    def etc(self) -> Path:
        """Return the folder of generated configuration."""
        return self.root / "etc"

    @property
    def log(self) -> Path:
        """Return the folder of log files, one a service."""
        return self.root / "log"

    @property
    def data(self) -> Path:
        """Return the folder of databases, images, queues and servers' disks."""
        return self.root / "data"

    @property
    def run(self) -> Path:
        """Return the folder of sockets and process ids."""
        return self.root / "run"

    @property
    def venv(self) -> Path:
        """Return the stack's own Python environment."""
        return self.root / "venv"

    @property
    def source(self) -> Path:
        """Return the source tree that services run from; there is none where they are as released."""
        return self.root / "source"

    @property
    def credentials(self) -> Path:
        """Return the folder (0700) of what a client needs to log in."""
        return self.root / "credentials"

    @property
    def journal(self) -> Path:
        """Return the file that holds every event, in order."""
        return self.root / "journal.jsonl"

    @property
    def lock(self) -> Path:
        """Return the file that whoever works on the stack holds locked."""
        return self.run / "stack.lock"

    @property
    def imports(self) -> Path:
        """Return the folder in which nodes note what they import from the source tree; it is there while somebody wants to know."""
        return self.run / "imports"

    @property
    def control(self) -> Path:
        """Return the supervisor's Unix socket."""
        return self.run / "control.sock"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP server answered; ``json`` is ``None`` where the body is none."""

    status: int
    headers: Mapping[str, str]
    json: Any


class Context(Protocol):
    """What the body of a step may use; every effect on the machine goes through here."""

    @property
    def settings(self) -> "Settings":
        """Return the effective settings."""
        ...

    @property
    def paths(self) -> Paths:
        """Return where the stack lives."""
        ...

    @property
    def components(self) -> "tuple[Component, ...]":
        """Return the components this workflow folds over."""
        ...

    @property
    def asked(self) -> Mapping[str, str]:
        """Return what the user said beside settings, by its name: the arguments of the command that conducts this workflow."""
        ...

    async def run(
        self,
        *argv: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: bytes = b"",
        ok: tuple[int, ...] = (0,),
        on_line: Callable[[str], None] | None = None,
    ) -> str:
        """Run a program to its end and return what it printed on standard output.

        ``env`` is added to a clean one; ``cwd`` is the stack's ``run``, if none is named.

        Raises: ProgramFailed, if its exit code is not among ``ok``; its last lines are in the message.
        """
        ...

    async def write(self, path: Path, text: str | bytes, mode: int = 0o640) -> None:
        """Write a file whole and at once, with its folder; a reader sees the old one or the new one."""
        ...

    async def http(
        self, method: str, url: str, *, json: object = None, content: bytes | Path | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one HTTP request and return the answer, whatever its status.

        Raises: NotYet, if nobody answered.
        """
        ...

    async def amqp_login(self, url: str) -> str:
        """Log in to a broker and return what it said of itself.

        Raises: NotYet, if it does not let us in.
        """
        ...

    async def amqp_request(self, url: str, exchange: str, routing_key: str, body: Callable[[str], bytes], *, within_s: float) -> bytes:
        """Publish ``body(name of our reply queue)``, JSON, and return the first reply.

        Raises: NotYet, if nobody takes it or nobody replies in time.
        """
        ...

    def secret(self, name: str) -> str:
        """Return the stack's password of that name, made on first use; letters and digits only."""
        ...

    def report(self, text: str, fraction: float | None = None) -> None:
        """Tell whoever watches how far this step is; ``fraction`` from 0 to 1, ``None`` if nobody can know."""
        ...

    async def wait(self, ask: "Callable[[], Awaitable[str]]", *, within_s: float) -> str:
        """Ask until there is an answer, and return it; ``ask`` raises ``NotYet`` while there is none.

        Raises: StepFailed, with the last refusal, when the time is over.
        """
        ...

    def process_count(self) -> int:
        """Return how many processes this node runs."""
        ...

    async def drain_events(self, within_s: float) -> bool:
        """Wait until the broker has every event told so far, and return whether it has."""
        ...


@dataclass(frozen=True, slots=True)
class Skipped:
    """What a step's body returns when it looked and found nothing to do."""

    because: str


Body = Callable[[Context], Awaitable[Skipped | str | None]]


class Lane(StrEnum):
    """What a step uses up, so that only so many run at once."""

    FREE = "free"  # nothing scarce
    APT = "apt"  # dpkg takes one transaction at a time
    CPU = "cpu"  # as many as cores
    NET = "net"  # downloads


def always(_: "Settings") -> bool:
    """Be part of the workflow whatever the settings say."""
    return True


EVERYTHING = "*"  # a need: all nodes of the workflow that do not say so themselves


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is done and over.

    ``needs`` and ``after`` name nodes, or components as a whole, or ``EVERYTHING``; ``after`` counts only where the other
    is part of the workflow.
    """

    name: str
    body: Body
    within_s: float
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    lane: Lane = Lane.FREE
    when: "Callable[[Settings], bool]" = always

    @property
    def summary(self) -> str:
        """Return the first line of the body's docstring: what an operator reads."""
        return (inspect.getdoc(self.body) or "").partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Service:
    """A program that stays up; ``before_stop`` runs while it still answers, ``command`` may write what the program reads."""

    name: str
    summary: str
    command: "Callable[[Context], tuple[str | Path, ...]]"
    ready: "Probe"
    within_s: float = 60
    grace_s: float = 5
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    port: int | None = None
    env: "Callable[[Context], Mapping[str, str]] | None" = None
    before_stop: Body | None = None
    when: "Callable[[Settings], bool]" = always
    lane: Lane = Lane.FREE


Part = Step | Service


class Verdict(StrEnum):
    """How a look at the machine ended."""

    GOOD = "good"
    WARNING = "warning"  # it works, with less
    UNWISE = "unwise"  # it works, and something else of the machine stops working: only for who insists
    BAD = "bad"  # this machine cannot do it


@dataclass(frozen=True, slots=True)
class Finding:
    """What ``doctor`` found, and what to do about it."""

    about: str
    verdict: Verdict
    found: str
    advice: str = ""


Check = Callable[["Settings", Paths], Finding]
Secret = Callable[[str], str]  # the stack's password of that name


@dataclass(frozen=True, slots=True)
class Feed:
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
class Leftover:
    """Something a stack left on the machine, of some kind, under some name; ``because`` says what marks it as the stack's."""

    kind: str
    name: str
    because: str


FindLeftovers = Callable[[Context], Awaitable[Sequence[Leftover]]]


@dataclass(frozen=True, slots=True)
class Component:
    """One thing an operator knows by name.

    ``parts`` maps a workflow's name to what this component brings to it, ``packages`` are Debian's,
    ``aliases`` are the names nova.sh had for it, ``feeds`` what it has to tell beside its own life, ``urls`` where users
    reach it, by the name `status` has for the address,
    ``leftovers`` find what its parts leave on the machine, and ``clean`` removes, when nothing of the stack runs.
    """

    name: str
    summary: str
    parts: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    aliases: tuple[str, ...] = ()
    feeds: tuple[Feed, ...] = ()
    urls: "Callable[[Settings], Mapping[str, str]]" = no_urls
    leftovers: tuple[FindLeftovers, ...] = ()
    when: "Callable[[Settings], bool]" = always


def never(_: "Settings", __: Paths) -> str | None:
    """Say that there is always something to do."""
    return None


def no_broker(_: "Settings", __: Callable[[str], str]) -> str:
    """Name no broker: events stay in the journal."""
    return ""


@dataclass(frozen=True, slots=True)
class Workflow:
    """One thing that can be done with a stack: the parts of that name of every component.

    ``stays`` says whether its services are meant to outlive its last step; ``within_s`` how long the end of a stack waits
    for it, where that is part of it; ``already`` returns why there is nothing
    to do, ``None`` if there is; ``unmet`` what has to be done first, ``None`` if all was. ``broker`` makes the address
    that events go to from the settings and the stack's secrets, nothing if there is no broker.
    """

    name: str
    summary: str
    stays: bool = False
    within_s: float = 120
    already: "Callable[[Settings, Paths], str | None]" = never
    unmet: "Callable[[Settings, Paths], str | None]" = never
    broker: "Callable[[Settings, Callable[[str], str]], str]" = no_broker


def step(
    *,
    within_s: float,
    needs: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
    lane: Lane = Lane.FREE,
    when: "Callable[[Settings], bool]" = always,
) -> Callable[[Body], Step]:
    """Turn an async function into a step named like it; registers nothing.

    Raises: TypeError, if the function has no docstring: operators read its first line.
    """

    def wrap(body: Body) -> Step:
        name = getattr(body, "__name__", "")
        if not inspect.getdoc(body):
            message = f"step {name} has no docstring; its first line is what operators read"
            raise TypeError(message)
        return Step(name.strip("_").replace("_", "-"), body, within_s, needs, after, lane, when)

    return wrap
