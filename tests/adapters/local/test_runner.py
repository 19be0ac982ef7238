"""Steps and services on this machine: results, and errors when they fail."""

import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs

from novaflow.adapters.http import HttpClient
from novaflow.adapters.local import LocalProgram, LocalRunner, NodeContext, StackResources
from novaflow.adapters.process import find_processes
from novaflow.adapters.storage import Secrets
from novaflow.errors import MachineError, NotReady, NovaflowError, ProgramFailed, ServiceExited, StepFailed
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.probe import Backoff, FunctionProbe, HttpProbe, NotYet
from novaflow.model.service import Service
from novaflow.model.step import Skipped, Step
from novaflow.plan.graph import Node
from novaflow.settings import combine_settings
from tests.support.fork_servers import running_server, write_script
from tests.support.programs import WITHIN_S, is_running, python, wait_for_text, wait_until

SERVER = """
import http.server, sys
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


@dataclass
class RunnerHarness:
    """A runner with its resources, and what steps reported."""

    paths: Paths
    reports: list[tuple[str, str, float | None]] = field(default_factory=list)
    drained: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        secrets = Secrets(self.paths.credentials / "secrets.json")
        components = (Component("web", "A web server.", declares=(8080,)),)
        report = lambda *arguments: self.reports.append(arguments)  # noqa: E731 - a list's method takes one argument
        self.machine = StackResources(
            combine_settings(), self.paths, components, secrets, HttpClient(), report, self.drain, Backoff(0.001, 0.01)
        )
        self.runner = LocalRunner(self.machine)

    async def drain(self, within_s: float) -> bool:
        """Record the call."""
        self.drained.append(within_s)
        return True

    async def run_step(
        self, body: Callable[[Context], Awaitable[Skipped | str | None]], *, within_s: float = WITHIN_S
    ) -> Skipped | str | None:
        """Run a step named ``web.fetch``."""
        step = Step("fetch", body, within_s)
        with anyio.fail_after(WITHIN_S):
            return await self.runner.run_step(Node("web.fetch", "web", step), step)

    @asynccontextmanager
    async def run_service(self, service: Service) -> AsyncIterator[LocalProgram]:
        """Run the service during the block."""
        with anyio.fail_after(WITHIN_S):
            async with self.runner.run_service(Node(service.name, "web", service), service) as program:
                yield program


@pytest.fixture
async def harness(paths: Paths) -> AsyncIterator[RunnerHarness]:
    """Return a runner on an empty stack."""
    harness = RunnerHarness(paths)
    yield harness
    await harness.machine.client.aclose()


@pytest.fixture
def port() -> int:
    """Return a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number: int = listener.getsockname()[1]
        return number


async def answer_at_once(_: Context) -> str:
    """Return an answer."""
    return "answered"


def a_service(code: str, *arguments: str, ready: FunctionProbe | HttpProbe | None = None, **others: Any) -> Service:
    """Return a service named ``web`` that runs the code and, without a probe, is ready at once."""
    service = Service(
        "web", "A toy.", lambda _: python(code, *arguments), ready or FunctionProbe(answer_at_once, "nothing"), within_s=WITHIN_S, grace_s=1
    )
    return replace(service, **others)


SLEEP = "import time; print('up', flush=True); time.sleep(60)"


@pytest.mark.parametrize("answer", [None, "done so", Skipped("it was there")])
async def test_the_result_of_a_step_is_returned(harness: RunnerHarness, answer: Skipped | str | None) -> None:
    """It is the result of the body."""

    async def body(_: Context) -> Skipped | str | None:
        return answer

    assert await harness.run_step(body) == answer


async def test_a_step_has_a_time_limit(harness: RunnerHarness) -> None:
    """The error names the step, its limit and its log."""

    async def body(_: Context) -> None:
        await anyio.sleep_forever()

    with pytest.raises(StepFailed, match=rf"^web\.fetch not done after 0\.01 s; see {harness.paths.log}/web\.fetch\.log$"):
        await harness.run_step(body, within_s=0.01)


async def test_a_cancelled_step_leaves_no_process(harness: RunnerHarness) -> None:
    """Its program is ended."""

    async def body(ctx: Context) -> None:
        await ctx.run("sleep", "60")

    with pytest.raises(StepFailed):
        await harness.run_step(body, within_s=0.1)
    assert find_processes(NodeContext(harness.machine, "web.fetch").owner.helper()) == ()


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (StepFailed("the disk is too small"), StepFailed, r"^the disk is too small$"),
        (NotYet("GET / refused"), StepFailed, r"^web\.fetch: GET / refused$"),
        (FileNotFoundError(2, "No such file", "/etc/web"), MachineError, r"^web\.fetch: \[Errno 2\] No such file: '/etc/web'$"),
        (TimeoutError(), StepFailed, r"^web\.fetch: an operation timed out$"),
        (KeyError("port"), StepFailed, r"^web\.fetch is broken: KeyError: 'port'; the traceback is in /"),
    ],
)
async def test_every_error_of_a_step_is_a_novaflow_error(
    harness: RunnerHarness, error: Exception, kind: type[NovaflowError], message: str
) -> None:
    """It fails the step, and the message contains the error."""

    async def body(_: Context) -> None:
        raise error

    with capture_logs(), pytest.raises(kind, match=message):
        await harness.run_step(body)


async def test_a_failed_program_is_an_error_with_its_output(harness: RunnerHarness) -> None:
    """The error has the last lines of the output, all of it is in the log."""

    async def body(ctx: Context) -> None:
        await ctx.run("sh", "-c", "seq 20; echo 'no space left' >&2; exit 28")

    with pytest.raises(ProgramFailed) as caught:
        await harness.run_step(body)
    assert str(caught.value) == "web.fetch: sh exited with 28"
    lines = caught.value.log_tail.splitlines()
    assert len(lines) == 12
    assert "no space left" in lines
    assert caught.value.returncode == 28
    assert (harness.paths.log / "web.fetch.log").read_text().splitlines()[0] == "1"


async def test_other_exit_codes_can_be_accepted(harness: RunnerHarness) -> None:
    """The caller lists the codes that are no failure."""

    async def body(ctx: Context) -> str:
        return await ctx.run("sh", "-c", "echo absent; exit 1", ok=(0, 1))

    assert await harness.run_step(body) == "absent\n"


async def test_a_missing_program_is_an_error_of_the_machine(harness: RunnerHarness) -> None:
    """The message names the program."""

    async def body(ctx: Context) -> None:
        await ctx.run("/nowhere/mkfs")

    with pytest.raises(MachineError, match=r"^/nowhere/mkfs cannot be started: .*No such file"):
        await harness.run_step(body)


async def test_programs_have_a_clean_environment(harness: RunnerHarness) -> None:
    """The stack's own programs come first in PATH, and no variable of the user is passed on."""

    async def body(ctx: Context) -> str:
        return await ctx.run("env", env={"EXTRA": "1"})

    seen = dict(line.split("=", 1) for line in str(await harness.run_step(body)).splitlines())
    assert seen.pop("NOVAFLOW_NODE").startswith(f"{harness.paths.root}:web.fetch")
    assert seen.pop("PATH").startswith(f"{harness.paths.venv}/bin:/usr/local/sbin:")
    assert seen == {"HOME": str(harness.paths.run), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1", "EXTRA": "1"}


async def test_a_step_reports_its_progress(harness: RunnerHarness) -> None:
    """The report contains the name of the node."""

    async def body(ctx: Context) -> None:
        ctx.report("half of it", 0.5)

    await harness.run_step(body)
    assert harness.reports == [("web.fetch", "half of it", 0.5)]


async def test_a_step_waits_for_an_answer(harness: RunnerHarness) -> None:
    """The check is repeated until it answers."""
    refusals = ["starting", "refused"]

    async def ask() -> str:
        if refusals:
            raise NotYet(refusals.pop())
        return "answered"

    assert await harness.run_step(lambda ctx: ctx.wait(ask, within_s=WITHIN_S)) == "answered"


async def test_a_step_that_waits_too_long_fails(harness: RunnerHarness) -> None:
    """The error contains the last refusal."""

    async def ask() -> str:
        raise NotYet("no host")

    with pytest.raises(StepFailed, match=r"^web\.fetch not ready after 0\.01 s: no host$"):
        await harness.run_step(lambda ctx: ctx.wait(ask, within_s=0.01))


async def test_a_context_describes_its_stack(harness: RunnerHarness) -> None:
    """It returns settings, paths, components and passwords, and drains events."""

    async def body(ctx: Context) -> str:
        await ctx.write(ctx.paths.etc / "web.conf", ctx.secret("web"), 0o600)
        assert await ctx.drain_events(3)
        return f"{ctx.settings.host_ip} {ctx.has_component('web')} {ctx.declared(int)} {ctx.process_count()}"

    assert await harness.run_step(body) == "127.0.0.1 True (8080,) 0"
    assert (harness.paths.etc / "web.conf").read_text() == harness.machine.secrets.get("web")
    assert harness.drained == [3]


async def test_a_service_is_ready_when_its_port_answers(harness: RunnerHarness, port: int) -> None:
    """The answer names request and status."""
    async with harness.run_service(a_service(SERVER, str(port), ready=HttpProbe(port))) as program:
        assert await program.wait_ready() == "answered GET / with 200"
        assert program.pid > 0


def is_open(port: int) -> bool:
    """Return whether a program listens on the port."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


async def test_a_service_is_probed_as_soon_as_it_listens(harness: RunnerHarness, port: int) -> None:
    """The pause after the first refusal, of an hour here, ends when a process listens on the port."""
    harness.runner = LocalRunner(replace(harness.machine, backoff=Backoff(3600, 3600)))
    begin = harness.paths.run / "begin"
    wait = f"import os, time\nwhile not os.path.exists({str(begin)!r}): time.sleep(0.01)\n"
    refused = anyio.Event()

    async def connect(ctx: Context) -> str:
        try:
            await ctx.http("GET", f"http://127.0.0.1:{port}/")
        except NotYet:
            refused.set()
            raise
        return "connected"

    service = a_service(wait + SERVER, str(port), ready=FunctionProbe(connect, "its port"), port=port)
    async with harness.run_service(service) as program, anyio.create_task_group() as tasks:
        tasks.start_soon(program.wait_ready)
        await refused.wait()
        begin.touch()


async def test_another_status_is_not_ready(harness: RunnerHarness, port: int) -> None:
    """The error contains the last answer and the end of the log."""
    service = a_service(SERVER, str(port), ready=HttpProbe(port, "/nowhere"), within_s=0.5)
    async with harness.run_service(service) as program:
        await wait_until(lambda: is_open(port))
        with pytest.raises(NotReady, match=r"^web not ready after 0\.5 s: answered GET /nowhere with 404; see .*web\.log$") as caught:
            await program.wait_ready()
    assert 'GET /nowhere HTTP/1.1" 404' in caught.value.log_tail


async def test_an_answer_of_another_program_is_not_ready(harness: RunnerHarness, port: int) -> None:
    """The port must be served by the service's own processes."""
    other = a_service(SERVER, str(port), name="other", ready=HttpProbe(port))
    async with harness.run_service(other) as it:
        await it.wait_ready()
        async with harness.run_service(a_service(SLEEP, ready=HttpProbe(port), within_s=0.2)) as program:
            with pytest.raises(NotReady, match=f"port {port} is answered by another program"):
                await program.wait_ready()


async def test_a_service_that_exits_is_not_waited_for(harness: RunnerHarness, port: int) -> None:
    """The error comes at once, with the exit code and the end of the log."""
    service = a_service("import sys; print('no licence'); sys.exit(7)", ready=HttpProbe(port))
    async with harness.run_service(service) as program:
        with pytest.raises(ServiceExited, match=r"^web exited with 7$") as caught:
            await program.wait_ready()
    assert caught.value.log_tail == "no licence"


async def test_a_killed_service_names_the_signal(harness: RunnerHarness) -> None:
    """A signal is reported instead of an exit code."""
    async with harness.run_service(a_service("import os; os.kill(os.getpid(), 9)")) as program:
        exited = await program.wait_exit()
    assert (exited.returncode, str(exited)) == (-signal.SIGKILL, "web was killed by signal 9")


@pytest.mark.parametrize(
    ("error", "message"), [(StepFailed("no user"), "^no user$"), (KeyError("user"), "^web: its probe is broken: KeyError: 'user'$")]
)
async def test_an_error_in_a_probe_fails_its_service(harness: RunnerHarness, error: Exception, message: str) -> None:
    """The probe is not repeated, and other services are not affected."""

    async def ask(_: Context) -> str:
        raise error

    async with harness.run_service(a_service(SLEEP, ready=FunctionProbe(ask, "something"))) as program:
        with capture_logs(), pytest.raises(StepFailed, match=message):
            await program.wait_ready()


async def test_a_cancelled_probe_leaves_its_service_running(harness: RunnerHarness) -> None:
    """The program of a probe is ended without that of the service."""

    async def ask(ctx: Context) -> str:
        return await ctx.run("sleep", "60")

    async with harness.run_service(a_service(SLEEP, ready=FunctionProbe(ask, "something"), within_s=0.2)) as program:
        with pytest.raises(NotReady):
            await program.wait_ready()
        assert [process.pid for process in find_processes(NodeContext(harness.machine, "web").owner)] == [program.pid]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"command": lambda _: ("/nowhere/web",)}, "^web cannot be started: .*No such file"),
        ({"command": lambda _: Path("/proc/nowhere/conf").write_text("")}, r"^web: \[Errno 2\]"),
        ({"env": lambda _: dict[str, str]()["port"]}, "^web is broken: KeyError: 'port'"),
    ],
)
async def test_a_service_that_cannot_be_started_fails(harness: RunnerHarness, change: dict[str, Any], message: str) -> None:
    """A missing program, a file that cannot be written and an error in the component fail that service only."""
    with capture_logs(), pytest.raises((MachineError, StepFailed), match=message):
        async with harness.run_service(a_service(SLEEP, **change)):
            raise AssertionError


async def test_before_start_runs_before_the_program(harness: RunnerHarness) -> None:
    """What it does is done when the program starts."""
    prepared = harness.paths.run / "prepared"

    async def prepare(_: Context) -> None:
        prepared.write_text("yes")

    async with harness.run_service(a_service(f"print(open({str(prepared)!r}).read(), flush=True)", before_start=prepare)) as program:
        await program.wait_exit()
    assert (harness.paths.log / "web.log").read_text() == "yes\n"


async def test_an_error_in_before_start_fails_the_service(harness: RunnerHarness) -> None:
    """Its program does not start."""

    async def prepare(_: Context) -> None:
        raise StepFailed("not today")

    with pytest.raises(StepFailed, match="not today"):
        async with harness.run_service(a_service("print('up')", before_start=prepare)):
            raise AssertionError
    assert not (harness.paths.log / "web.log").exists()


async def test_before_start_has_a_time_limit(harness: RunnerHarness) -> None:
    """It is that of the start."""

    async def prepare(_: Context) -> None:
        await anyio.sleep_forever()

    with pytest.raises(StepFailed, match="web: an operation timed out"):
        async with harness.run_service(a_service(SLEEP, before_start=prepare, within_s=0.1)):
            raise AssertionError


async def test_a_service_is_forked(harness: RunnerHarness) -> None:
    """By the fork server whose socket is in the run folder, if imports are not recorded."""
    # It sleeps until the test stops the service.
    script = write_script(harness.paths.run / "script", "import sys, time\nprint('runpy' in sys.modules, flush=True)\ntime.sleep(60)")
    service = replace(a_service(SLEEP), command=lambda _: (script,), fork_server="server")
    log = harness.paths.log / "web.log"
    async with running_server(harness.paths.run):
        async with harness.run_service(service):
            await wait_for_text(log, "True\n")
        harness.paths.imports.mkdir()
        async with harness.run_service(service):
            await wait_for_text(log, "True\nFalse\n")


async def test_before_stop_runs_while_the_service_answers(harness: RunnerHarness) -> None:
    """It runs before SIGTERM."""
    seen = list[int]()

    async def say(ctx: Context) -> None:
        seen.append(ctx.process_count())

    async with harness.run_service(a_service(SLEEP, before_stop=say)):
        pass
    assert seen == [1]


@pytest.mark.parametrize("error", [StepFailed("no"), NotYet("no"), OSError("no"), KeyError("no")])
async def test_an_error_in_before_stop_is_logged(harness: RunnerHarness, error: Exception) -> None:
    """The service is stopped nevertheless."""

    async def say(_: Context) -> None:
        raise error

    with capture_logs() as logs:
        async with harness.run_service(a_service(SLEEP, before_stop=say)):
            pass
    assert [(entry["event"], entry["service"]) for entry in logs] == [("service.before_stop_failed", "web")]


async def test_before_stop_has_a_time_limit(harness: RunnerHarness) -> None:
    """It is cancelled after the grace of the service."""

    async def say(_: Context) -> None:
        await anyio.sleep_forever()

    with capture_logs() as logs:
        async with harness.run_service(a_service(SLEEP, before_stop=say, grace_s=0.1)):
            await wait_for_text(harness.paths.log / "web.log", "up")
    assert logs[0]["event"] == "service.before_stop_cancelled"


async def test_before_stop_is_skipped_after_an_exit(harness: RunnerHarness) -> None:
    """The service cannot answer any more."""
    seen = list[str]()

    async def say(_: Context) -> None:
        seen.append("bye")

    async with harness.run_service(a_service("pass", before_stop=say)) as program:
        await program.wait_exit()
    assert seen == []


@asynccontextmanager
async def left_running(harness: RunnerHarness, service: Service) -> AsyncIterator[int]:
    """Run the service's program as a killed supervisor leaves it, and return its process id.

    A shell is its parent: as a child of this process, the event loop and the adoption would compete for its exit code.
    """
    context = NodeContext(harness.machine, service.name)
    argv = ["env", *(f"{name}={value}" for name, value in context.owner.marker.items()), *map(str, service.command(context))]
    shell = ["sh", "-c", 'setsid "$@" >/dev/null 2>&1 & echo $!; wait', "sh", *argv]
    async with await anyio.open_process(shell, stderr=DEVNULL) as parent:
        assert parent.stdout
        pid = int(await parent.stdout.receive())
        context.owner.note(pid)
        yield pid
        await parent.wait()


async def test_a_running_service_is_adopted(harness: RunnerHarness, port: int) -> None:
    """A program that a killed supervisor left is adopted, answers its checks, and ends with the runner that adopted it."""
    service = a_service(SERVER, str(port), ready=HttpProbe(port), port=port)
    async with left_running(harness, service) as pid, harness.run_service(service) as adopted:
        assert (adopted.pid, adopted.adopted) == (pid, True)
        assert await adopted.wait_ready() == "answered GET / with 200"
        assert await adopted.check(WITHIN_S) == "answered GET / with 200"
        async with anyio.create_task_group() as tasks:  # as the monitor does, which waits for the exit during a probe
            tasks.start_soon(adopted.wait_exit)
            await anyio.lowlevel.checkpoint()
            assert await adopted.wait_ready() == "answered GET / with 200"
            tasks.cancel_scope.cancel()
    assert not is_running(pid)


async def test_the_exit_of_an_adopted_service_is_noticed(harness: RunnerHarness) -> None:
    """Its exit code is unknown: the kernel reports it to the parent only."""
    service = a_service(SLEEP)
    async with left_running(harness, service) as pid, harness.run_service(service) as adopted:
        os.kill(pid, signal.SIGKILL)
        assert str(await adopted.wait_exit()) == "web exited; its exit code is unknown"


async def test_a_suspended_service_does_not_answer(harness: RunnerHarness, port: int) -> None:
    """A check of a suspended program ends at its time limit, and the suspension is detected."""
    async with harness.run_service(a_service(SERVER, str(port), ready=HttpProbe(port))) as program:
        await program.wait_ready()
        assert not program.is_suspended()
        os.kill(program.pid, signal.SIGSTOP)
        with pytest.raises(NotReady, match=r"^web not ready after 0\.1 s: no answer$"):
            await program.check(0.1)
        assert program.is_suspended()
