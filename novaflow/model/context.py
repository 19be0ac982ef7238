"""The interface that the body of a step uses."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from novaflow.model.paths import Paths
from novaflow.model.settings import Settings

T = TypeVar("T")
NO_ARGUMENTS: Mapping[str, str] = MappingProxyType({})  # of a command that runs a workflow


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An HTTP response; ``json`` is ``None`` if the body, ``content``, is not JSON."""

    status: int
    headers: Mapping[str, str]
    json: Any
    content: bytes = b""


class Context(Protocol):
    """The interface that the body of a step uses; every effect on the machine goes through it."""

    @property
    def settings(self) -> Settings:
        """Return the effective settings."""
        ...

    @property
    def paths(self) -> Paths:
        """Return the paths of the stack."""
        ...

    def declared(self, kind: type[T]) -> tuple[T, ...]:
        """Return the values of that type that the components of the stack declare."""
        ...

    def has_component(self, name: str) -> bool:
        """Return whether the component is part of the stack."""
        ...

    @property
    def arguments(self) -> Mapping[str, str]:
        """Return the arguments of the command that runs this workflow, by name."""
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
        """Run a program to its end and return its standard output.

        ``env`` is added to a minimal environment; ``cwd`` defaults to the ``run`` folder of the stack.

        Raises: ProgramFailed, if its exit code is not among ``ok``; its last lines are in the message.
        """
        ...

    async def write(self, path: Path, text: str | bytes, mode: int = 0o600, *, fsync: bool = False, shared: bool = False) -> None:
        """Write a file atomically and create its folder; a reader sees the old content or the new content.

        With ``fsync`` a power cut does not undo it, for files that are not written again at the next start. The members of
        NOVAFLOW_GROUP may read a file that is ``shared``.
        """
        ...

    async def http(
        self, method: str, url: str, *, json: object = None, content: bytes | Path | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """Send one HTTP request and return the response, of any status.

        Raises: NotYet, if there is no response.
        """
        ...

    async def amqp_login(self, url: str) -> str:
        """Log in to a broker and return its product and version.

        Raises: NotYet, if the login fails.
        """
        ...

    async def amqp_request(self, url: str, exchange: str, routing_key: str, body: Callable[[str], bytes], *, within_s: float) -> bytes:
        """Publish the JSON message ``body(name of the reply queue)`` and return the first reply.

        Raises: NotYet, if no queue receives it or no reply comes within ``within_s``.
        """
        ...

    def secret(self, name: str) -> str:
        """Return the password of that name, letters and digits only; it is generated on first use."""
        ...

    def report(self, text: str, fraction: float | None = None) -> None:
        """Report the progress of this step; ``fraction`` is from 0 to 1, or ``None`` if it is unknown."""
        ...

    async def wait(self, ask: Callable[[], Awaitable[str]], *, within_s: float) -> str:
        """Call ``ask`` until it returns an answer, and return it; it raises ``NotYet`` while there is none.

        Raises: StepFailed, with the last reason, after ``within_s`` times the factor that the user has chosen.
        """
        ...

    def process_count(self) -> int:
        """Return the number of processes of this node."""
        ...

    async def drain_events(self, within_s: float) -> bool:
        """Wait until the broker has confirmed every event published so far, and return whether it has."""
        ...
