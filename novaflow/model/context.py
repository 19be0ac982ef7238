"""What the body of a step may use."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from novaflow.model.paths import Paths
from novaflow.model.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP server answered; ``json`` is ``None`` where the body is none."""

    status: int
    headers: Mapping[str, str]
    json: Any


class Context(Protocol):
    """What the body of a step may use; every effect on the machine goes through here."""

    @property
    def settings(self) -> Settings:
        """Return the effective settings."""
        ...

    @property
    def paths(self) -> Paths:
        """Return where the stack lives."""
        ...

    def declared(self, kind: type[T]) -> tuple[T, ...]:
        """Return the values of that type that the components of the stack declare."""
        ...

    def has_component(self, name: str) -> bool:
        """Return whether the component is part of the stack."""
        ...

    @property
    def arguments(self) -> Mapping[str, str]:
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

    async def wait(self, ask: Callable[[], Awaitable[str]], *, within_s: float) -> str:
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
