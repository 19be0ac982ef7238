"""Does steps and keeps services up on this machine."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

import anyio
import psutil
import structlog
from anyio.abc import Process

from novaflow.adapters.process.context import NodeContext, StackResources
from novaflow.adapters.process.probe import is_served_by, wait_answer
from novaflow.adapters.process.programs import Command, running
from novaflow.adapters.storage.files import read_last_lines
from novaflow.errors import MachineError, NotReady, NovaflowError, ServiceExited, StepFailed
from novaflow.model.probe import Backoff, FunctionProbe, HttpProbe, NotYet
from novaflow.model.service import Service
from novaflow.model.step import Skipped, Step
from novaflow.plan.graph import Node

log = structlog.get_logger()

T = TypeVar("T")


class LocalRunner:
    """The engine's runner: this machine."""

    def __init__(self, machine: StackResources) -> None:
        self._machine = machine

    async def run_step(self, node: Node, step: Step) -> Skipped | str | None:
        """Do the step; no longer than its limit.

        Raises: NovaflowError; a body that raises anything else is broken, and its traceback is in the log.
        """
        context = NodeContext(self._machine, node.name)
        with anyio.move_on_after(step.within_s):
            return await self._call(node.name, lambda: step.body(context))
        raise StepFailed(f"{node.name} not done after {step.within_s:g} s; see {context.log_file}")

    @asynccontextmanager
    async def run_service(self, node: Node, service: Service) -> AsyncIterator["LocalProgram"]:
        """Run the service as long as the block lasts; when it ends, nothing of the service is left.

        Raises: MachineError, if its program cannot be started.
        """
        context = NodeContext(self._machine, node.name)
        async with AsyncExitStack() as stack:
            process = await self._call(node.name, lambda: _start(context, service, stack))
            stack.push_async_callback(_run_before_stop, context, service, process)
            yield LocalProgram(service, process, context, self._machine.backoff)

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


async def _start(context: NodeContext, service: Service, stack: AsyncExitStack) -> Process:
    """Start the service's program; ``stack`` ends it, and whatever it started."""
    output = context.log_file
    output.parent.mkdir(parents=True, exist_ok=True)
    env = context.environment(service.env(context) if service.env else {})
    command = Command(service.command(context), env, context.paths.run, output, service.grace_s)
    try:
        return await stack.enter_async_context(running(context.owner, command))
    except OSError as error:
        raise MachineError(f"{service.name} cannot be started: {error}") from error


async def _run_before_stop(context: NodeContext, service: Service, process: Process) -> None:
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

    def __init__(self, service: Service, process: Process, context: NodeContext, backoff: Backoff) -> None:
        self._service, self._process, self._context, self._pace = service, process, context, backoff

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
                answer = await wait_answer(self._ask, name=service.name, within_s=service.within_s, backoff=self._pace)
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
            log_tail = await read_last_lines(self._context.log_file)
            raise NotReady(answer.name, answer.within_s, f"{answer.answer}; see {self._context.log_file}", log_tail) from answer
        if isinstance(answer, NovaflowError):
            raise answer
        return answer

    async def wait_exit(self) -> ServiceExited:
        """Wait until the program ends by itself, and return how."""
        await self._process.wait()
        return ServiceExited(self._service.name, self._process.returncode, await read_last_lines(self._context.log_file))

    async def _ask(self) -> str:
        match self._service.ready:
            case FunctionProbe(check=check):
                return await check(self._context)
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
