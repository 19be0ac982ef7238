"""The engine on both backends of anyio: what runs, what is published, and that nothing is left running."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from novaflow.engine.engine import Engine, Outcome
from novaflow.errors import MachineError, NotReady, NovaflowError, ServiceExited, StepFailed
from novaflow.events.types import ServiceChanged, StepChanged, WorkflowChanged
from novaflow.model.restart import RestartPolicy
from novaflow.plan.commands import ServiceCommand
from novaflow.plan.plan import Plan
from tests.engine.harness import FakeBus, FakeRunner, Harness, make_harness
from tests.support.toys import graph_of

NEVER = RestartPolicy(budget=0)
WITHIN_S = 10  # for what takes milliseconds
WEB = {"database": (), "web": ("database",), "page": ("web",)}
SERVICES = ("database", "web")


@asynccontextmanager
async def running(harness: Harness) -> AsyncIterator[list[Outcome]]:
    """Run the engine during the block, and wait for its end afterwards; the list then holds the outcome."""
    ended: list[Outcome] = []

    async def run() -> None:
        ended.append(await harness.engine.run())

    with anyio.fail_after(WITHIN_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            yield ended
    assert harness.runner.running_now == set()


async def run_to_end(harness: Harness) -> Outcome:
    """Run the engine to its end; nothing may run afterwards."""
    async with running(harness) as ended:
        pass
    return ended[0]


async def test_steps_run_in_topological_order() -> None:
    """The start and the end of every step are published, and those of the workflow around them."""
    harness = make_harness(graph_of({"fetch": (), "unpack": ("fetch",)}), FakeRunner())
    assert await run_to_end(harness)
    assert harness.bus.lines == [
        "run started",
        "fetch started",
        "fetch succeeded",
        "unpack started",
        "unpack succeeded",
        "run succeeded",
    ]
    assert harness.bus.reason("unpack started") == "fetch is up"
    assert harness.bus.reason("unpack succeeded") == "done"


async def test_a_skipped_step_is_up() -> None:
    """A step that had nothing to do is published as skipped, and its dependents start."""
    harness = make_harness(graph_of({"fetch": (), "unpack": ("fetch",)}), FakeRunner(skips={"fetch"}))
    assert await run_to_end(harness)
    assert "unpack succeeded" in harness.bus.lines
    assert harness.bus.reason("fetch skipped") == "it was there already"


async def test_an_empty_workflow_succeeds() -> None:
    """A workflow without nodes succeeds at once."""
    harness = make_harness(graph_of({}), FakeRunner())
    assert await run_to_end(harness)
    assert harness.bus.lines == ["run started", "run succeeded"]


async def test_a_failed_step_fails_only_its_dependents() -> None:
    """Dependents never start, other steps succeed, and the outcome names the step that failed first."""
    harness = make_harness(graph_of({"fetch": (), "unpack": ("fetch",), "key": (), "use": ("key",)}), FakeRunner(breaks={"fetch"}))
    outcome = await run_to_end(harness)
    assert not outcome
    assert isinstance(outcome.failures["fetch"], StepFailed)
    assert [*outcome.failures] == ["fetch"]
    assert "use succeeded" in harness.bus.lines
    assert "unpack started" not in harness.bus.lines
    assert harness.bus.reason("unpack failed") == "fetch, which it needs, failed"
    assert harness.bus.reason("run failed") == "failed: fetch"


async def test_the_end_of_a_workflow_names_the_failed_nodes() -> None:
    """The last event lists them."""
    harness = make_harness(graph_of({"fetch": ()}), FakeRunner(breaks={"fetch"}))
    await run_to_end(harness)
    last = harness.bus.events[-1]
    assert isinstance(last, WorkflowChanged)
    assert last.failed == ("fetch",)


async def test_services_stop_in_reverse_order() -> None:
    """Without ``stays``, services stop after the last step, dependents first."""
    harness = make_harness(graph_of(WEB, services=SERVICES), FakeRunner())
    assert await run_to_end(harness)
    assert harness.bus.lines == [
        "run started",
        "database started",
        "database ready",
        "web started",
        "web ready",
        "page started",
        "page succeeded",
        "run succeeded",
        "web stopped",
        "database stopped",
    ]
    assert harness.bus.reason("web stopped") == "stopped: the workflow is done"


async def test_services_stay_until_stopped() -> None:
    """With ``stays``, the workflow succeeds when all is up, and a later stop is no failure."""
    harness = make_harness(graph_of(WEB, services=SERVICES), FakeRunner(), stays=True)
    async with running(harness) as ended:
        await harness.bus.wait_published("run succeeded")
        assert harness.runner.running_now == harness.engine.services == {"database", "web"}
        assert len(harness.ups) == 1
        harness.engine.stop("requested")
    assert ended == [Outcome()]
    assert harness.bus.lines[-2:] == ["web stopped", "database stopped"]


async def test_events_of_a_service_carry_process_and_port() -> None:
    """The ready event contains the process id, the port and the answer of the probe."""
    harness = make_harness(graph_of({"web": ()}, services={"web"}), FakeRunner())
    await run_to_end(harness)
    ready = next(event for event in harness.bus.events if isinstance(event, ServiceChanged) and event.state == "ready")
    assert (ready.pid, ready.port, ready.reason) == (4711, None, "answered")


async def test_a_service_that_exits_before_it_is_ready_fails_at_once() -> None:
    """The engine does not wait for the time limit, and dependents fail."""
    harness = make_harness(graph_of(WEB, services=SERVICES), FakeRunner(holds={"web"}), stays=True)
    async with running(harness) as ended:
        await harness.bus.wait_published("web started")
        harness.runner.programs["web"].ends.set()
    assert isinstance(ended[0].failures["web"], ServiceExited)
    assert harness.bus.lines[-4:] == ["web failed", "page failed", "database stopped", "run failed"]
    assert harness.ups == []


async def test_the_log_tail_is_no_part_of_the_reason() -> None:
    """The reason of a failure is one short line, and the log tail is a field of its own."""
    harness = make_harness(graph_of({"web": ()}, services={"web"}, restart=NEVER), FakeRunner(), stays=True)
    async with running(harness):
        await harness.bus.wait_published("run succeeded")
        harness.runner.programs["web"].log_tail = "no space\nleft"
        harness.runner.programs["web"].ends.set()
        await harness.bus.wait_published("web failed")
        harness.engine.stop("requested")
    ended = [event for event in harness.bus.events if isinstance(event, ServiceChanged) and event.state in {"exited", "failed"}]
    assert [(event.reason, event.log_tail) for event in ended] == [("web exited with 7", "no space\nleft")] * 2


@pytest.mark.parametrize(
    ("answer", "reason", "log_tail"),
    [
        ("installed", "installed", None),
        ("installed\n12 files", "installed", "12 files"),
        ("x" * 301, "x" * 299 + "…", "x" * 301),
    ],
)
async def test_a_reason_is_one_short_line(answer: str, reason: str, log_tail: str | None) -> None:
    """Further lines, and the full text of a long line, go to the log tail."""
    harness = make_harness(graph_of({"fetch": ()}), FakeRunner(answers={"fetch": answer}))
    assert await run_to_end(harness)
    event = next(event for event in harness.bus.events if isinstance(event, StepChanged) and event.state == "succeeded")
    assert (event.reason, event.log_tail) == (reason, log_tail)


async def test_a_service_that_cannot_be_started_fails() -> None:
    """The outcome holds the error of the machine, and running services are stopped."""
    harness = make_harness(graph_of(WEB, services=SERVICES), FakeRunner(breaks={"web"}), stays=True)
    outcome = await run_to_end(harness)
    assert isinstance(outcome.failures["web"], MachineError)
    assert "web started" not in harness.bus.lines
    assert "database stopped" in harness.bus.lines


async def test_a_later_exit_leaves_other_services_running() -> None:
    """After everything was up, the exit of one service stops no other."""
    harness = make_harness(graph_of({"web": (), "mail": ()}, services={"web", "mail"}, restart=NEVER), FakeRunner(), stays=True)
    async with running(harness) as ended:
        await harness.bus.wait_published("run succeeded")
        harness.runner.programs["web"].ends.set()
        await harness.bus.wait_published("web failed")
        assert harness.runner.running_now == {"mail"}
        harness.engine.stop("requested")
    assert harness.bus.lines[-3:] == ["web exited", "web failed", "mail stopped"]
    assert [*ended[0].failures] == ["web"]
    assert "web failed" in harness.services


async def test_a_stop_during_the_start_cancels_the_workflow() -> None:
    """Running nodes are stopped, waiting nodes never start, and the workflow ends as cancelled."""
    harness = make_harness(graph_of(WEB, services=SERVICES), FakeRunner(holds={"web"}), stays=True)
    async with running(harness) as ended:
        await harness.bus.wait_published("web started")
        harness.engine.stop("interrupted")
    assert ended == [Outcome(cancelled="interrupted")]
    assert not ended[0]
    assert harness.bus.lines[-3:] == ["web stopped", "database stopped", "run cancelled"]
    assert "page started" not in harness.bus.lines


async def test_a_stopped_step_has_failed() -> None:
    """Its reason names the stop, and the outcome contains no failure."""
    harness = make_harness(graph_of({"fetch": ()}), FakeRunner(holds={"fetch"}))
    async with running(harness) as ended:
        await harness.bus.wait_published("fetch started")
        harness.engine.stop("interrupted")
    assert ended == [Outcome(cancelled="interrupted")]
    assert harness.bus.reason("fetch failed") == "stopped: interrupted"


async def test_a_second_stop_changes_nothing() -> None:
    """The first reason is kept, and nothing is stopped twice."""
    harness = make_harness(graph_of({"fetch": ()}), FakeRunner(holds={"fetch"}))
    async with running(harness) as ended:
        await harness.bus.wait_published("fetch started")
        harness.engine.stop("the first")
        harness.engine.stop("the second")
    assert ended[0].cancelled == "the first"
    assert harness.bus.lines.count("fetch failed") == 1


async def test_a_stop_before_the_start_is_kept() -> None:
    """Waiting nodes never start."""
    harness = make_harness(graph_of({"fetch": (), "unpack": ("fetch",)}), FakeRunner(holds={"fetch"}))
    harness.engine.stop("interrupted")
    assert (await run_to_end(harness)).cancelled == "interrupted"
    assert "unpack started" not in harness.bus.lines


async def test_a_stop_after_the_end_is_ignored() -> None:
    """A signal may arrive after the end."""
    harness = make_harness(graph_of({"fetch": ()}), FakeRunner())
    assert await run_to_end(harness)
    harness.engine.stop("too late")
    assert harness.bus.lines[-1] == "run succeeded"


async def test_a_step_that_succeeds_while_it_is_stopped_has_succeeded() -> None:
    """The stop comes too late for the step, and in time for its dependents."""
    harness = make_harness(graph_of({"fetch": (), "unpack": ("fetch",)}), FakeRunner())
    harness.runner.before_return = lambda _: harness.engine.stop("interrupted")
    assert (await run_to_end(harness)).cancelled == "interrupted"
    assert harness.bus.lines == ["run started", "fetch started", "fetch succeeded", "run cancelled"]


async def test_a_step_that_fails_while_it_is_stopped_has_failed() -> None:
    """A stop does not hide the failure."""
    harness = make_harness(graph_of({"fetch": ()}), FakeRunner(holds={"fetch"}, breaks={"fetch"}))
    async with running(harness) as ended:
        await harness.bus.wait_published("fetch started")
        harness.runner.gates["fetch"].set()
        harness.engine.stop("interrupted")
    assert [*ended[0].failures] == ["fetch"]
    assert harness.bus.lines[-1] == "run failed"


@pytest.mark.parametrize("moment", ["fetch started", "web started", "run succeeded"])
async def test_nothing_is_left_after_a_cancellation(moment: str) -> None:
    """Cancelling the engine from outside ends everything that it runs."""
    holds = {"run succeeded": ()}.get(moment, [moment.partition(" ")[0]])
    harness = make_harness(graph_of({"fetch": (), "web": ("fetch",)}, services={"web"}), FakeRunner(holds=holds), stays=True)
    with anyio.fail_after(WITHIN_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(harness.engine.run)
            await harness.bus.wait_published(moment)
            tasks.cancel_scope.cancel()
    assert harness.runner.running_now == set()
    assert harness.bus.lines[-1] == moment


async def test_an_unexpected_error_stops_everything() -> None:
    """An error that is no NovaflowError is raised, and nothing is left running."""

    class BrokenRunner(FakeRunner):
        """Raises an unexpected error while another node runs."""

        async def run_step(self, *_: object) -> None:
            """Raise the error."""
            raise ZeroDivisionError

    harness = make_harness(graph_of({"web": (), "page": ("web",)}, services={"web"}), BrokenRunner(), stays=True)
    with anyio.fail_after(WITHIN_S), pytest.RaisesGroup(ZeroDivisionError):
        await harness.engine.run()
    assert harness.runner.running_now == set()


@pytest.mark.parametrize("breaks", [(), ("fetch",)])
async def test_callbacks_are_optional(breaks: tuple[str, ...]) -> None:
    """An engine works without callbacks."""
    graph = graph_of({"fetch": ()})
    with anyio.fail_after(WITHIN_S):
        outcome = await Engine(Plan(graph), FakeRunner(breaks=breaks), FakeBus()).run()
    assert (*outcome.failures,) == breaks


async def test_a_service_is_restarted_while_the_others_run() -> None:
    """The command returns when the service is ready again."""
    harness = make_harness(graph_of(WEB, services=SERVICES), FakeRunner(), stays=True)
    async with running(harness):
        await harness.bus.wait_published("run succeeded")
        assert await harness.engine.apply_service_command(ServiceCommand.RESTART, ["database"], "requested") == {}
        assert harness.bus.lines[-4:] == ["database stopped", "database restarted", "database started", "database ready"]
        assert harness.bus.reason("database restarted") == "requested"
        harness.engine.stop("requested")
    assert len(harness.ups) == 1


async def test_dependents_of_a_stopped_service_are_unready() -> None:
    """They are probed again when the service is back."""
    harness = make_harness(graph_of(WEB, services=SERVICES), FakeRunner(), stays=True)
    async with running(harness):
        await harness.bus.wait_published("run succeeded")
        assert await harness.engine.apply_service_command(ServiceCommand.STOP, ["database"], "requested") == {}
        assert harness.runner.running_now == {"web"}
        assert harness.bus.lines[-2:] == ["database stopped", "web unready"]
        assert harness.bus.reason("web unready") == "database, which it needs, is stopped"
        assert await harness.engine.apply_service_command(ServiceCommand.START, ["database"], "requested") == {}
        await harness.bus.wait_published("web ready", times=2)
        harness.engine.stop("requested")


async def test_a_service_that_fails_its_recheck_stays_unready() -> None:
    """The reason is the answer of its probe; a service that exits during the recheck is published once."""
    harness = make_harness(
        graph_of({"database": (), "web": ("database",), "mail": ("database",)}, services={"database", "web", "mail"}, restart=NEVER),
        FakeRunner(),
        stays=True,
    )
    async with running(harness):
        await harness.bus.wait_published("run succeeded")
        web, mail = harness.runner.programs["web"], harness.runner.programs["mail"]
        web.refusal, mail.refusal = NotReady("web", 1, "silence"), mail.exited
        await harness.engine.apply_service_command(ServiceCommand.STOP, ["database"], "requested")
        await harness.engine.apply_service_command(ServiceCommand.START, ["database"], "requested")
        await harness.bus.wait_published("web unready", times=2)
        mail.ends.set()
        await harness.bus.wait_published("mail failed")
        harness.engine.stop("requested")
    assert harness.bus.reason("web unready") == "web not ready after 1 s: silence"
    assert harness.bus.lines.count("mail unready") == 1


async def test_a_failed_restart_is_returned() -> None:
    """The other services run, and a later start succeeds."""
    harness = make_harness(graph_of(WEB, services=SERVICES, restart=NEVER), FakeRunner(holds={"web"}), stays=True)
    async with running(harness) as ended:
        await harness.bus.wait_published("web started")
        harness.runner.programs["web"].answers.set()
        await harness.bus.wait_published("run succeeded")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fail_restart, harness)
            await harness.bus.wait_published("web restarted")
            await harness.bus.wait_published("web started", times=2)
            harness.runner.programs["web"].ends.set()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(harness.engine.apply_service_command, ServiceCommand.START, ["web"], "requested")
            await harness.bus.wait_published("web started", times=3)
            harness.runner.programs["web"].answers.set()
        harness.engine.stop("requested")
    assert ended == [Outcome()]


async def fail_restart(harness: Harness) -> None:
    """Restart the service ``web``, which exits."""
    failures = await harness.engine.apply_service_command(ServiceCommand.RESTART, ["web"], "requested")
    assert isinstance(failures["web"], ServiceExited)


async def test_a_restart_interrupted_by_a_stop_returns() -> None:
    """The error says that the service was stopped."""
    harness = make_harness(graph_of({"web": ()}, services={"web"}), FakeRunner(holds={"web"}), stays=True)
    failures: dict[str, NovaflowError] = {}

    async def restart() -> None:
        failures.update(await harness.engine.apply_service_command(ServiceCommand.RESTART, ["web"], "requested"))

    async with running(harness):
        await harness.bus.wait_published("web started")
        harness.runner.programs["web"].answers.set()
        await harness.bus.wait_published("run succeeded")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(restart)
            await harness.bus.wait_published("web started", times=2)
            harness.engine.stop("requested")
    assert str(failures["web"]) == "web was stopped"
