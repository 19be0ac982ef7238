"""What the body of a step finds when it looks for the machine."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from novaflow.adapters.amqp import amqp_login, amqp_request
from novaflow.adapters.http.client import HttpClient
from novaflow.adapters.process.probe import wait_answer
from novaflow.adapters.process.process_ownership import ProcessOwner, find_processes
from novaflow.adapters.process.programs import Command, run_to_end
from novaflow.adapters.storage.files import write_atomic
from novaflow.adapters.storage.secrets import Secrets
from novaflow.errors import MachineError, NotReady, ProgramFailed, StepFailed
from novaflow.model.component import Component, declared
from novaflow.model.context import Answer
from novaflow.model.paths import Paths
from novaflow.model.probe import Backoff
from novaflow.model.settings import Settings

STEP_GRACE_S = 5.0  # for a program a cancelled step leaves behind; dpkg wants to finish its file
LAST_LINES = 12  # of a failed program's output: enough for the end of a traceback
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULT_BACKOFF = Backoff()

T = TypeVar("T")
Report = Callable[[str, str, float | None], None]


@dataclass(frozen=True, slots=True)
class StackResources:
    """What all nodes of one stack share; ``report`` is told node, text and fraction, ``drain_events`` seconds at most."""

    settings: Settings
    paths: Paths
    components: tuple[Component, ...]
    secrets: Secrets
    client: HttpClient
    report: Report
    drain_events: Callable[[float], Awaitable[bool]]
    backoff: Backoff = DEFAULT_BACKOFF
    arguments: Mapping[str, str] = field(default_factory=dict)


class NodeContext:
    """What the body of one node may use; the model's ``Context``."""

    def __init__(self, machine: StackResources, node: str) -> None:
        self._machine, self._node = machine, node

    @property
    def settings(self) -> Settings:
        """Return the effective settings."""
        return self._machine.settings

    @property
    def paths(self) -> Paths:
        """Return where the stack lives."""
        return self._machine.paths

    def declared(self, kind: type[T]) -> tuple[T, ...]:
        """Return the values of that type that the components of the stack declare."""
        return declared(self._machine.components, kind)

    def has_component(self, name: str) -> bool:
        """Return whether the component is part of the stack."""
        return any(component.name == name for component in self._machine.components)

    @property
    def arguments(self) -> Mapping[str, str]:
        """Return what the user said beside settings."""
        return self._machine.arguments

    @property
    def owner(self) -> ProcessOwner:
        """Return to whom everything belongs that this node starts."""
        return ProcessOwner(self.paths, self._node)

    @property
    def log_file(self) -> Path:
        """Return where the output of this node's programs goes."""
        return self.paths.log / f"{self._node}.log"

    def environment(self, added: Mapping[str, str]) -> dict[str, str]:
        """Return a clean environment: oslo.config, pip and Python would read more from ours than they should."""
        clean = {
            "PATH": f"{self.paths.venv}/bin:{SYSTEM_PATH}",
            "HOME": str(self.paths.run),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
        }
        return clean | dict(added)

    async def run(
        self,
        *argv: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: bytes = b"",
        ok: tuple[int, ...] = (0,),
        on_line: Callable[[str], None] | None = None,
    ) -> str:
        """Run a program to its end and return what it printed; ``on_line`` sees each line as it comes.

        Raises: ProgramFailed, if its exit code is not among ``ok``; MachineError, if it cannot be started.
        """
        recent: deque[str] = deque(maxlen=LAST_LINES)

        def take(line: str) -> None:
            if line.strip():
                recent.append(line)
            if on_line is not None:
                on_line(line)

        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        command = Command(argv, self.environment(env or {}), cwd or self.paths.run, self.log_file, STEP_GRACE_S)
        try:
            # A probe that is cut off must not take its service with it.
            code, printed = await run_to_end(self.owner.helper(), command, stdin=stdin, on_line=take)
        except OSError as error:
            raise MachineError(f"{argv[0]} cannot be started: {error}") from error
        if code not in ok:
            raise ProgramFailed(f"{self._node}: {Path(argv[0]).name}", code, "\n".join(recent))
        return printed

    async def write(self, path: Path, text: str | bytes, mode: int = 0o640) -> None:
        """Write a file whole and at once, with its folder."""
        await write_atomic(path, text, mode)

    async def http(
        self, method: str, url: str, *, json: object = None, content: bytes | Path | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one HTTP request and return the answer, whatever its status."""
        return await self._machine.client.request(method, url, json=json, content=content, headers=headers)

    async def amqp_login(self, url: str) -> str:
        """Log in to a broker and return what it said of itself."""
        return await amqp_login(url)

    async def amqp_request(self, url: str, exchange: str, routing_key: str, body: Callable[[str], bytes], *, within_s: float) -> bytes:
        """Publish ``body(name of our reply queue)`` and return the first reply."""
        return await amqp_request(url, exchange, routing_key, body, within_s=within_s)

    def secret(self, name: str) -> str:
        """Return the stack's password of that name, made on first use."""
        return self._machine.secrets.get(name)

    def report(self, text: str, fraction: float | None = None) -> None:
        """Tell whoever watches how far this step is."""
        self._machine.report(self._node, text, fraction)

    async def wait(self, ask: Callable[[], Awaitable[str]], *, within_s: float) -> str:
        """Ask until there is an answer, and return it.

        Raises: StepFailed, with the last refusal, when the time is over.
        """
        try:
            return await wait_answer(ask, name=self._node, within_s=within_s, backoff=self._machine.backoff)
        except NotReady as error:
            raise StepFailed(str(error)) from error

    def process_count(self) -> int:
        """Return how many processes this node runs."""
        return len(find_processes(self.owner))

    async def drain_events(self, within_s: float) -> bool:
        """Wait until the broker has every event told so far, and return whether it has."""
        return await self._machine.drain_events(within_s)
