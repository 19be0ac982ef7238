"""Runs steps and services on this machine."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TypeVar

import anyio
import structlog

from novaflow.adapters.local.context import NodeContext, StackResources
from novaflow.adapters.local.polling import wait_answer
from novaflow.adapters.process import Command, RunningProcess, ServedPorts, adopting, is_suspended, running
from novaflow.adapters.storage import read_last_lines
from novaflow.errors import MachineError, NotReady, NovaflowError, ServiceExited, StepFailed
from novaflow.model.probe import FunctionProbe, HttpProbe, NotYet, Probe
from novaflow.model.service import Service, fork_socket
from novaflow.model.step import Skipped, Step
from novaflow.plan.graph import Node

log = structlog.get_logger()

T = TypeVar("T")


class LocalRunner:
    """The engine's runner for this machine.

    A service whose program already runs, started by an earlier supervisor, is adopted.
    """

    def __init__(self, resources: StackResources) -> None:
        self._resources = resources
        self._started = set[str]()  # the services whose program this runner has started, not adopted

    async def run_step(self, node: Node, step: Step) -> Skipped | str | None:
        """Run the step within its time limit.

        Raises: NovaflowError; another error in the body is logged with its traceback.
        """
        context = NodeContext(self._resources, node.name)
        with anyio.move_on_after(step.within_s):
            return await self._call(node.name, lambda: step.body(context))
        raise StepFailed(f"{node.name} not done after {step.within_s:g} s; see {context.log_file}")

    @asynccontextmanager
    async def run_service(self, node: Node, service: Service) -> AsyncIterator["LocalProgram"]:
        """Run or adopt the service for the duration of the block; afterwards no process of it is left.

        Raises: MachineError, if its program cannot be started.
        """
        context = NodeContext(self._resources, node.name)
        if self._started & {*service.restart_with}:
            await self._end_earlier(context, service)
        async with AsyncExitStack() as stack:
            adopted = await stack.enter_async_context(adopting(context.owner, service.grace_s))
            process: RunningProcess
            if adopted is None:
                command = await self._call(node.name, lambda: _prepare(context, service))
                process = await self._start(stack, service.name, context, command)
                self._started.add(service.name)
            else:
                process = adopted
            stack.push_async_callback(self._run_before_stop, context, service, process)
            yield LocalProgram(service, process, context, self._resources, adopted=adopted is not None)

    async def _end_earlier(self, context: NodeContext, service: Service) -> None:
        """End the program of an earlier supervisor: it cannot recover from the start of a service in ``restart_with``."""
        async with adopting(context.owner, service.grace_s):
            pass

    async def _start(self, stack: AsyncExitStack, name: str, context: NodeContext, command: Command) -> RunningProcess:
        try:
            return await stack.enter_async_context(running(context.owner, command))
        except OSError as error:
            raise MachineError(f"{name} cannot be started: {error}") from error

    async def _run_before_stop(self, context: NodeContext, service: Service, process: RunningProcess) -> None:
        """Run the service's ``before_stop`` while it still answers; an error in it does not prevent the stop."""
        if service.before_stop is None or process.returncode is not None:
            return
        with anyio.move_on_after(service.grace_s, shield=True) as scope:
            try:
                await service.before_stop(context)
            except Exception as error:  # noqa: BLE001 - the stop must follow in any case
                log.warning("service.before_stop_failed", service=service.name, reason=f"{type(error).__name__}: {error}")
        if scope.cancelled_caught:
            log.warning("service.before_stop_cancelled", service=service.name, within_s=service.grace_s)

    async def _call(self, name: str, body: Callable[[], Awaitable[T]]) -> T:
        """Await code of a component; an error in it fails one node, not the engine.

        Raises: NovaflowError, and nothing else.
        """
        try:
            return await body()
        except NovaflowError:
            raise
        except NotYet as answer:
            raise StepFailed(f"{name}: {answer}") from answer
        except TimeoutError as error:  # has no message
            raise StepFailed(f"{name}: an operation timed out") from error
        except OSError as error:
            raise MachineError(f"{name}: {error}") from error
        except Exception as error:
            log.exception("node.broken", node=name)
            message = f"{name} is broken: {type(error).__name__}: {error}; the traceback is in {self._resources.paths.log}"
            raise StepFailed(message) from error


async def _prepare(context: NodeContext, service: Service) -> Command:
    context.log_file.parent.mkdir(parents=True, exist_ok=True)
    if service.before_start is not None:
        with anyio.fail_after(service.within_s):
            await service.before_start(context)
    env = context.environment(service.env(context) if service.env else {})
    command = Command(service.command(context), env, context.paths.run, context.log_file, service.grace_s)
    if service.fork_server is None or context.paths.imports.exists():  # `run --watch`: a program that reports its imports has to import
        return command
    server = fork_socket(context.paths, service.fork_server)
    return replace(command, fork_server=server) if server.exists() else command  # settings may leave it out


def _port_of(probe: Probe, service: Service) -> int | None:
    return probe.port if isinstance(probe, HttpProbe) else service.port


class LocalProgram:
    """The program of a service on this machine."""

    def __init__(
        self, service: Service, process: RunningProcess, context: NodeContext, resources: StackResources, *, adopted: bool
    ) -> None:
        self._service, self._process, self._context, self._resources = service, process, context, resources
        self._adopted = adopted
        self._ports, self._listens = ServedPorts(context.owner, process.pid), False

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def adopted(self) -> bool:
        """Return whether an earlier supervisor has started the program."""
        return self._adopted

    async def wait_ready(self) -> str:
        """Wait until the readiness probe succeeds, and return its answer.

        Raises: ServiceExited, as soon as the program exits; NotReady, after the time limit of the service.
        """
        ended: list[str | NovaflowError] = []

        async def end_with(wait: Callable[[], Awaitable[str | NovaflowError]]) -> None:
            ended.append(await wait())
            tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(end_with, self._poll)
            tasks.start_soon(end_with, self.wait_exit)
        # Raised here, outside the group, so that callers see one plain error.
        if isinstance(ended[0], NovaflowError):
            raise ended[0]
        return ended[0]

    async def check(self, timeout_s: float) -> str:
        """Probe the service once and return its answer.

        Raises: NotReady, if it does not answer within ``timeout_s``, or not as expected.
        """
        with anyio.move_on_after(timeout_s):
            try:
                return await self._probe(self._service.alive or self._service.ready)
            except (NotYet, NovaflowError) as error:
                raise NotReady(self._service.name, timeout_s, str(error)) from error
            except Exception as error:
                log.exception("probe.broken", node=self._service.name)
                raise NotReady(self._service.name, timeout_s, f"its probe is broken: {type(error).__name__}: {error}") from error
        raise NotReady(self._service.name, timeout_s, "no answer")

    def is_suspended(self) -> bool:
        """Return whether a signal has suspended the program."""
        return is_suspended(self.pid)

    async def wait_exit(self) -> ServiceExited:
        """Wait until the program exits, and return how it exited."""
        await self._process.wait()
        return ServiceExited(self._service.name, self._process.returncode, await read_last_lines(self._context.log_file))

    async def _poll(self) -> str | NovaflowError:
        service = self._service
        try:
            return await wait_answer(
                lambda: self._probe(service.ready),
                name=service.name,
                within_s=service.within_s,
                backoff=self._resources.backoff,
                wait_sign=self._begin_to_listen,
            )
        except NotReady as error:
            log_tail = await read_last_lines(self._context.log_file)
            return NotReady(error.name, error.within_s, f"{error.answer}; see {self._context.log_file}", log_tail)
        except NovaflowError as error:
            return error
        except Exception as error:
            log.exception("probe.broken", node=service.name)
            return StepFailed(f"{service.name}: its probe is broken: {type(error).__name__}: {error}")

    async def _begin_to_listen(self) -> None:
        """Return once, when a process listens on the port of the service."""
        port = _port_of(self._service.ready, self._service)
        if port is None or self._listens:
            await anyio.sleep_forever()
        else:
            await self._resources.listening.wait_for(port)
            self._listens = True

    async def _probe(self, probe: Probe) -> str:
        answer = await probe.check(self._context) if isinstance(probe, FunctionProbe) else await self._get(probe)
        port = _port_of(probe, self._service)
        if port is not None and not self._ports.include(port):
            raise NotYet(f"port {port} is answered by another program")
        return answer

    async def _get(self, probe: HttpProbe) -> str:
        response = await self._context.http("GET", f"http://{self._context.settings.local_ip}:{probe.port}{probe.path}")
        answer = f"answered GET {probe.path} with {response.status}"
        if response.status not in probe.statuses:
            raise NotYet(answer)
        return answer
