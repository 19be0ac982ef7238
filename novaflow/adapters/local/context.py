"""The context of a node: every effect of a step on this machine."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from novaflow.adapters.amqp import amqp_login, amqp_request
from novaflow.adapters.http import HttpClient
from novaflow.adapters.local.polling import wait_answer
from novaflow.adapters.process import SYSTEM_PATH, Command, ListeningPorts, ProcessOwner, count_processes, run_to_end
from novaflow.adapters.storage import Secrets, write_with_folder
from novaflow.errors import MachineError, NotReady, ProgramFailed, StepFailed
from novaflow.model.component import Component, declared
from novaflow.model.context import HttpResponse
from novaflow.model.paths import Paths
from novaflow.model.probe import Backoff
from novaflow.model.settings import Settings

STEP_GRACE_S = 5.0  # for the program of a cancelled step; dpkg completes the file at hand
LAST_LINES = 12  # of the output of a failed program: the end of a traceback
DEFAULT_BACKOFF = Backoff()

T = TypeVar("T")
Report = Callable[[str, str, float | None], None]


@dataclass(frozen=True, slots=True)
class StackResources:
    """What all nodes of a stack share.

    ``report`` takes node, text and fraction; ``drain_events`` takes its time limit in seconds; ``group`` is the id of
    NOVAFLOW_GROUP.
    """

    settings: Settings
    paths: Paths
    components: tuple[Component, ...]
    secrets: Secrets
    client: HttpClient
    report: Report
    drain_events: Callable[[float], Awaitable[bool]]
    backoff: Backoff = DEFAULT_BACKOFF
    arguments: Mapping[str, str] = field(default_factory=dict)
    group: int | None = None
    listening: ListeningPorts = field(default_factory=ListeningPorts)


class NodeContext:
    """The ``Context`` of one node."""

    def __init__(self, resources: StackResources, node: str) -> None:
        self._resources, self._node = resources, node

    @property
    def settings(self) -> Settings:
        """Return the effective settings."""
        return self._resources.settings

    @property
    def paths(self) -> Paths:
        """Return the paths of the stack."""
        return self._resources.paths

    def declared(self, kind: type[T]) -> tuple[T, ...]:
        """Return the values of that type that the components of the stack declare."""
        return declared(self._resources.components, kind)

    def has_component(self, name: str) -> bool:
        """Return whether the component is part of the stack."""
        return any(component.name == name for component in self._resources.components)

    @property
    def arguments(self) -> Mapping[str, str]:
        """Return the arguments of the command that runs the workflow."""
        return self._resources.arguments

    @property
    def owner(self) -> ProcessOwner:
        """Return the owner of the processes that this node starts."""
        return ProcessOwner(self.paths, self._node)

    @property
    def log_file(self) -> Path:
        """Return the log file of this node's programs."""
        return self.paths.log / f"{self._node}.log"

    def environment(self, added: Mapping[str, str]) -> dict[str, str]:
        """Return a minimal environment with these variables: services, pip and Python would use others of ours."""
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
        """Run a program to its end and return its standard output; ``on_line`` gets each line at once.

        Raises: ProgramFailed, if its exit code is not among ``ok``; MachineError, if it cannot be started.
        """
        recent: deque[str] = deque(maxlen=LAST_LINES)

        def keep(line: str) -> None:
            if line.strip():
                recent.append(line)
            if on_line is not None:
                on_line(line)

        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        command = Command(argv, self.environment(env or {}), cwd or self.paths.run, self.log_file, STEP_GRACE_S)
        try:
            # Cancelling a probe must not end the service.
            code, printed = await run_to_end(self.owner.helper(), command, stdin=stdin, on_line=keep)
        except OSError as error:
            raise MachineError(f"{argv[0]} cannot be started: {error}") from error
        if code not in ok:
            raise ProgramFailed(f"{self._node}: {Path(argv[0]).name}", code, "\n".join(recent))
        return printed

    async def write(self, path: Path, text: str | bytes, mode: int = 0o600, *, fsync: bool = False, shared: bool = False) -> None:
        """Write a file atomically and create its folder; the members of NOVAFLOW_GROUP may read it if it is ``shared``."""
        await write_with_folder(path, text, mode, fsync=fsync, group=self._resources.group if shared else None)

    async def http(
        self, method: str, url: str, *, json: object = None, content: bytes | Path | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """Send one HTTP request and return the response, of any status."""
        return await self._resources.client.request(method, url, json=json, content=content, headers=headers)

    async def amqp_login(self, url: str) -> str:
        """Log in to a broker and return its product and version."""
        return await amqp_login(url)

    async def amqp_request(self, url: str, exchange: str, routing_key: str, body: Callable[[str], bytes], *, within_s: float) -> bytes:
        """Publish ``body(name of the reply queue)`` and return the first reply."""
        return await amqp_request(url, exchange, routing_key, body, within_s=within_s)

    def secret(self, name: str) -> str:
        """Return the password of that name; it is generated on first use."""
        return self._resources.secrets.get(name)

    def report(self, text: str, fraction: float | None = None) -> None:
        """Report the progress of this step."""
        self._resources.report(self._node, text, fraction)

    async def wait(self, probe: Callable[[], Awaitable[str]], *, within_s: float) -> str:
        """Call the probe until it returns an answer, and return it.

        Raises: StepFailed, with the last reason, after ``within_s`` times the factor that the user has chosen.
        """
        limit_s = within_s * self.settings.timeout_factor
        try:
            return await wait_answer(probe, name=self._node, within_s=limit_s, backoff=self._resources.backoff)
        except NotReady as error:
            raise StepFailed(str(error)) from error

    def process_count(self) -> int:
        """Return the number of processes of this node."""
        return count_processes(self.owner)

    async def drain_events(self, within_s: float) -> bool:
        """Wait until the broker has confirmed every event published so far, and return whether it has."""
        return await self._resources.drain_events(within_s)
