"""Does steps and keeps services up on this machine."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import anyio
import psutil
import structlog
from anyio.abc import Process

from novaflow.adapters.amqp import amqp_login, amqp_request
from novaflow.adapters.belongings import Owner, find_processes
from novaflow.adapters.files import read_last_lines, write_whole
from novaflow.adapters.http import HttpClient
from novaflow.adapters.probe import is_served_by, wait_answer
from novaflow.adapters.process import Command, run_to_end, running
from novaflow.adapters.secrets import Secrets
from novaflow.errors import MachineError, NotReady, NovaflowError, ProgramFailed, ServiceExited, StepFailed
from novaflow.model.component import Answer, Component, Paths, Service, Skipped, Step
from novaflow.model.probe import AskProbe, HttpProbe, NotYet, Pace
from novaflow.plan.graph import Node
from novaflow.settings import Settings

log = structlog.get_logger()

STEP_GRACE_S = 5.0  # for a program a cancelled step leaves behind; dpkg wants to finish its file
LAST_LINES = 12  # of a failed program's output: enough for the end of a traceback
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

T = TypeVar("T")
Report = Callable[[str, str, float | None], None]

PATIENT = Pace()


@dataclass(frozen=True, slots=True)
class Machine:
    """What all nodes of one stack share; ``report`` is told node, text and fraction, ``drain_events`` seconds at most."""

    settings: Settings
    paths: Paths
    components: tuple[Component, ...]
    secrets: Secrets
    client: HttpClient
    report: Report
    drain_events: Callable[[float], Awaitable[bool]]
    pace: Pace = PATIENT


class MachineRunner:
    """The engine's runner: this machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    async def do(self, node: Node, step: Step) -> Skipped | str | None:
        """Do the step; no longer than its limit.

        Raises: NovaflowError; a body that raises anything else is broken, and its traceback is in the log.
        """
        context = NodeContext(self._machine, node.name)
        with anyio.move_on_after(step.within_s):
            return await self._call(node.name, lambda: step.body(context))
        raise StepFailed(f"{node.name} not done after {step.within_s:g} s; see {context.log_file}")

    @asynccontextmanager
    async def running(self, node: Node, service: Service) -> AsyncIterator["LocalProgram"]:
        """Run the service as long as the block lasts; when it ends, nothing of the service is left.

        Raises: MachineError, if its program cannot be started.
        """
        context = NodeContext(self._machine, node.name)
        async with AsyncExitStack() as stack:
            process = await self._call(node.name, lambda: _start(context, service, stack))
            stack.push_async_callback(_say_goodbye, context, service, process)
            yield LocalProgram(service, process, context, self._machine.pace)

    async def _call(self, name: str, body: Callable[[], Awaitable[T]]) -> T:
        """Await what somebody else wrote; its fault is one node's, not the engine's.

        Raises: NovaflowError, and nothing else.
        """
        try:
            return await body()
        except NovaflowError:
            raise
        except NotYet as answer:
            raise StepFailed(f"{name}: {answer}") from answer
        except TimeoutError as error:  # says nothing of itself
            raise StepFailed(f"{name}: something it waited for took too long") from error
        except OSError as error:
            raise MachineError(f"{name}: {error}") from error
        except Exception as error:
            log.exception("node.broken", node=name)
            raise StepFailed(f"{name} is broken: {type(error).__name__}: {error}; the traceback is in {self._machine.paths.log}") from error


async def _start(context: "NodeContext", service: Service, stack: AsyncExitStack) -> Process:
    """Start the service's program; ``stack`` ends it, and whatever it started."""
    output = context.log_file
    output.parent.mkdir(parents=True, exist_ok=True)
    env = context.environment(service.env(context) if service.env else {})
    command = Command(service.command(context), env, context.paths.run, output, service.grace_s)
    try:
        return await stack.enter_async_context(running(context.owner, command))
    except OSError as error:
        raise MachineError(f"{service.name} cannot be started: {error}") from error


async def _say_goodbye(context: "NodeContext", service: Service, process: Process) -> None:
    """Run what the service wants done while it still answers; its failure stops nobody from stopping."""
    if service.before_stop is None or process.returncode is not None:
        return
    with anyio.move_on_after(service.grace_s, shield=True) as scope:
        try:
            await service.before_stop(context)
        except Exception as error:  # noqa: BLE001 - whatever it is, what follows must follow
            log.warning("service.goodbye_failed", service=service.name, why=f"{type(error).__name__}: {error}")
    if scope.cancelled_caught:
        log.warning("service.goodbye_cut_off", service=service.name, within_s=service.grace_s)


class LocalProgram:
    """A service's program on this machine."""

    def __init__(self, service: Service, process: Process, context: "NodeContext", pace: Pace) -> None:
        self._service, self._process, self._context, self._pace = service, process, context, pace

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    async def wait_ready(self) -> str:
        """Wait until the service answers its probe, and return what it answered.

        Raises: ServiceExited, at once, if it dies before; NotReady, when its time is over.
        """
        answer: str | NovaflowError = ""

        async def ask_until_ready() -> None:
            nonlocal answer
            service = self._service
            try:
                answer = await wait_answer(self._ask, name=service.name, within_s=service.within_s, pace=self._pace)
            except NovaflowError as error:
                answer = error
            except Exception as error:
                log.exception("probe.broken", node=service.name)
                answer = StepFailed(f"{service.name}: its probe is broken: {type(error).__name__}: {error}")
            tasks.cancel_scope.cancel()

        async def leave_if_gone() -> None:
            nonlocal answer
            answer = await self.wait_exit()
            tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask_until_ready)
            tasks.start_soon(leave_if_gone)
        # Raised here, outside the group, so callers see one plain error.
        if isinstance(answer, NotReady):
            output = self._context.log_file
            last_lines = await read_last_lines(output)
            raise NotReady(answer.name, answer.within_s, f"{answer.answer}; last lines of {output}:\n{last_lines}") from answer
        if isinstance(answer, NovaflowError):
            raise answer
        return answer

    async def wait_exit(self) -> ServiceExited:
        """Wait until the program ends by itself, and return how."""
        await self._process.wait()
        return ServiceExited(self._service.name, self._process.returncode, await read_last_lines(self._context.log_file))

    async def _ask(self) -> str:
        match self._service.ready:
            case AskProbe(ask=ask):
                return await ask(self._context)
            case HttpProbe(port=port, path=path, statuses=statuses):
                answer = await self._context.http("GET", f"http://{self._context.settings.host_ip}:{port}{path}")
                if answer.status not in statuses:
                    raise NotYet(f"answered GET {path} with {answer.status}")
                try:
                    if not is_served_by(port, self.pid):
                        raise NotYet(f"port {port} is answered by another program")
                except psutil.NoSuchProcess as error:
                    raise NotYet("its process is gone") from error
                return f"answered GET {path} with {answer.status}"


class NodeContext:
    """What the body of one node may use; the model's ``Context``."""

    def __init__(self, machine: Machine, node: str) -> None:
        self._machine, self._node = machine, node

    @property
    def settings(self) -> Settings:
        """Return the effective settings."""
        return self._machine.settings

    @property
    def paths(self) -> Paths:
        """Return where the stack lives."""
        return self._machine.paths

    @property
    def components(self) -> tuple[Component, ...]:
        """Return the components this workflow folds over."""
        return self._machine.components

    @property
    def owner(self) -> Owner:
        """Return to whom everything belongs that this node starts."""
        return Owner(self.paths, self._node)

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
        command = Command(argv, self.environment(env or {}), self.paths.run, self.log_file, STEP_GRACE_S)
        try:
            # A probe that is cut off must not take its service with it.
            code, printed = await run_to_end(self.owner.beside(), command, stdin=stdin, on_line=take)
        except OSError as error:
            raise MachineError(f"{argv[0]} cannot be started: {error}") from error
        if code not in ok:
            raise ProgramFailed(f"{self._node}: {Path(argv[0]).name}", code, "\n".join(recent))
        return printed

    async def write(self, path: Path, text: str | bytes, mode: int = 0o640) -> None:
        """Write a file whole and at once, with its folder."""
        await write_whole(path, text, mode)

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
            return await wait_answer(ask, name=self._node, within_s=within_s, pace=self._machine.pace)
        except NotReady as error:
            raise StepFailed(str(error)) from error

    def process_count(self) -> int:
        """Return how many processes this node runs."""
        return len(find_processes(self.owner))

    async def drain_events(self, within_s: float) -> bool:
        """Wait until the broker has every event told so far, and return whether it has."""
        return await self._machine.drain_events(within_s)
