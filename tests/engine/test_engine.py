"""The engine, on both of anyio's backends: what is done, what is told, and that nothing is left."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from novaflow.engine.engine import Engine, Outcome
from novaflow.errors import MachineError, NotReady, NovaflowError, ServiceExited, StepFailed
from novaflow.events.types import ServiceChanged, WorkflowChanged
from novaflow.plan.plan import Plan, ServiceCommand
from tests.engine.stage import Stage, ToyBus, ToyRunner, set_stage
from tests.support.toys import graph_of

WITHIN_S = 10  # for what takes milliseconds
WEB = {"database": (), "web": ("database",), "page": ("web",)}
SERVICES = ("database", "web")


@asynccontextmanager
async def open_orchestrator(stage: Stage) -> AsyncIterator[list[Outcome]]:
    """Conduct beside the block, and wait for the end after it; the list holds the outcome then."""
    ended: list[Outcome] = []

    async def run() -> None:
        ended.append(await stage.engine.run())

    with anyio.fail_after(WITHIN_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            yield ended
    assert stage.runner.running_now == set()


async def run(stage: Stage) -> Outcome:
    """Conduct to the end; nothing may run then."""
    async with open_orchestrator(stage) as ended:
        pass
    return ended[0]


async def test_steps_are_done_in_the_order_of_their_needs() -> None:
    """Every step is told with its start and its end, and the workflow around them."""
    stage = set_stage(graph_of({"fetch": (), "unpack": ("fetch",)}), ToyRunner())
    assert await run(stage)
    assert stage.bus.lines == [
        "run started",
        "fetch started",
        "fetch succeeded",
        "unpack started",
        "unpack succeeded",
        "run succeeded",
    ]
    assert stage.bus.why("unpack started") == "fetch is up"
    assert stage.bus.why("unpack succeeded") == "done"


async def test_what_was_there_already_is_told_as_skipped() -> None:
    """A step that found nothing to do says why, and what needs it goes on."""
    stage = set_stage(graph_of({"fetch": (), "unpack": ("fetch",)}), ToyRunner(skips={"fetch"}))
    assert await run(stage)
    assert "unpack succeeded" in stage.bus.lines
    assert stage.bus.why("fetch skipped") == "it was there already"


async def test_nothing_to_do_is_done() -> None:
    """A workflow without nodes succeeds at once."""
    stage = set_stage(graph_of({}), ToyRunner())
    assert await run(stage)
    assert stage.bus.lines == ["run started", "run succeeded"]


async def test_a_failed_step_fails_what_needs_it_and_nothing_else() -> None:
    """What needs it never starts; what does not is done; the outcome names the one that failed by itself."""
    stage = set_stage(graph_of({"fetch": (), "unpack": ("fetch",), "key": (), "use": ("key",)}), ToyRunner(breaks={"fetch"}))
    outcome = await run(stage)
    assert not outcome
    assert isinstance(outcome.failures["fetch"], StepFailed)
    assert [*outcome.failures] == ["fetch"]
    assert "use succeeded" in stage.bus.lines
    assert "unpack started" not in stage.bus.lines
    assert stage.bus.why("unpack failed") == "fetch, which it needs, failed"
    assert stage.bus.why("run failed") == "failed: fetch"


async def test_the_end_of_a_workflow_names_what_failed() -> None:
    """Whoever reads only the last event knows what to look for."""
    stage = set_stage(graph_of({"fetch": ()}), ToyRunner(breaks={"fetch"}))
    await run(stage)
    last = stage.bus.events[-1]
    assert isinstance(last, WorkflowChanged)
    assert last.failed == ("fetch",)


async def test_services_are_stopped_in_reverse_order_when_the_work_is_done() -> None:
    """Without ``stays`` services are there for the steps; the one needed by the other goes last."""
    stage = set_stage(graph_of(WEB, services=SERVICES), ToyRunner())
    assert await run(stage)
    assert stage.bus.lines == [
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
    assert stage.bus.why("web stopped") == "stopped: the workflow is done"


async def test_services_stay_until_they_are_told_to_stop() -> None:
    """With ``stays`` being up is told once, the moment it is so, and a later stop is no failure."""
    stage = set_stage(graph_of(WEB, services=SERVICES), ToyRunner(), stays=True)
    async with open_orchestrator(stage) as ended:
        await stage.bus.wait_told("run succeeded")
        assert stage.runner.running_now == {"database", "web"}
        assert len(stage.ups) == 1
        stage.engine.stop("asked to")
    assert ended == [Outcome()]
    assert stage.bus.lines[-2:] == ["web stopped", "database stopped"]


async def test_events_of_a_service_carry_process_and_port() -> None:
    """Whoever sees it ready knows where to look."""
    stage = set_stage(graph_of({"web": ()}, services={"web"}), ToyRunner())
    await run(stage)
    ready = next(event for event in stage.bus.events if isinstance(event, ServiceChanged) and event.state == "ready")
    assert (ready.pid, ready.port, ready.reason) == (4711, None, "answered")


async def test_a_service_that_dies_while_it_is_waited_for_fails_at_once() -> None:
    """Nobody waits for the dead: what needs it is given up."""
    stage = set_stage(graph_of(WEB, services=SERVICES), ToyRunner(holds={"web"}), stays=True)
    async with open_orchestrator(stage) as ended:
        await stage.bus.wait_told("web started")
        stage.runner.programs["web"].ends.set()
    assert isinstance(ended[0].failures["web"], ServiceExited)
    assert stage.bus.lines[-4:] == ["web failed", "page failed", "database stopped", "run failed"]
    assert stage.ups == []


async def test_a_service_that_cannot_be_started_fails_alone() -> None:
    """The error of the machine is kept as it is, and what was up is stopped."""
    stage = set_stage(graph_of(WEB, services=SERVICES), ToyRunner(breaks={"web"}), stays=True)
    outcome = await run(stage)
    assert isinstance(outcome.failures["web"], MachineError)
    assert "web started" not in stage.bus.lines
    assert "database stopped" in stage.bus.lines


async def test_a_service_that_dies_later_is_told_and_the_rest_stays() -> None:
    """A stack that lost one service goes on with the others."""
    stage = set_stage(graph_of({"web": (), "mail": ()}, services={"web", "mail"}), ToyRunner(), stays=True)
    async with open_orchestrator(stage) as ended:
        await stage.bus.wait_told("run succeeded")
        stage.runner.programs["web"].ends.set()
        await stage.bus.wait_told("web failed")
        assert stage.runner.running_now == {"mail"}
        stage.engine.stop("asked to")
    assert stage.bus.lines[-3:] == ["web exited", "web failed", "mail stopped"]
    assert [*ended[0].failures] == ["web"]
    assert "web failed" in stage.services


async def test_a_stop_while_starting_ends_what_runs_and_starts_nothing_more() -> None:
    """The workflow was cancelled, which is neither success nor failure."""
    stage = set_stage(graph_of(WEB, services=SERVICES), ToyRunner(holds={"web"}), stays=True)
    async with open_orchestrator(stage) as ended:
        await stage.bus.wait_told("web started")
        stage.engine.stop("interrupted")
    assert ended == [Outcome(cancelled="interrupted")]
    assert not ended[0]
    assert stage.bus.lines[-3:] == ["web stopped", "database stopped", "run cancelled"]
    assert "page started" not in stage.bus.lines


async def test_a_step_that_is_stopped_says_so() -> None:
    """A step that was not done has failed, whoever's fault it is, and the reason names the stop; the outcome blames nobody."""
    stage = set_stage(graph_of({"fetch": ()}), ToyRunner(holds={"fetch"}))
    async with open_orchestrator(stage) as ended:
        await stage.bus.wait_told("fetch started")
        stage.engine.stop("interrupted")
    assert ended == [Outcome(cancelled="interrupted")]
    assert stage.bus.why("fetch failed") == "stopped: interrupted"


async def test_a_second_stop_changes_nothing() -> None:
    """The first reason holds, and nothing is stopped twice."""
    stage = set_stage(graph_of({"fetch": ()}), ToyRunner(holds={"fetch"}))
    async with open_orchestrator(stage) as ended:
        await stage.bus.wait_told("fetch started")
        stage.engine.stop("the first")
        stage.engine.stop("the second")
    assert ended[0].cancelled == "the first"
    assert stage.bus.lines.count("fetch failed") == 1


async def test_a_stop_before_the_start_starts_nothing_that_waits() -> None:
    """Whoever interrupts early is heard."""
    stage = set_stage(graph_of({"fetch": (), "unpack": ("fetch",)}), ToyRunner(holds={"fetch"}))
    stage.engine.stop("interrupted")
    assert (await run(stage)).cancelled == "interrupted"
    assert "unpack started" not in stage.bus.lines


async def test_a_stop_after_the_end_changes_nothing() -> None:
    """A signal that comes too late hurts nobody."""
    stage = set_stage(graph_of({"fetch": ()}), ToyRunner())
    assert await run(stage)
    stage.engine.stop("too late")
    assert stage.bus.lines[-1] == "run succeeded"


async def test_a_step_that_is_done_just_when_it_is_stopped_was_done() -> None:
    """The stop comes too late for the step, in time for what needs it."""
    stage = set_stage(graph_of({"fetch": (), "unpack": ("fetch",)}), ToyRunner())
    stage.runner.at_last_breath = lambda _: stage.engine.stop("interrupted")
    assert (await run(stage)).cancelled == "interrupted"
    assert stage.bus.lines == ["run started", "fetch started", "fetch succeeded", "run cancelled"]


async def test_a_step_that_fails_just_when_it_is_stopped_has_failed() -> None:
    """A failure is not hidden by a stop."""
    stage = set_stage(graph_of({"fetch": ()}), ToyRunner(holds={"fetch"}, breaks={"fetch"}))
    async with open_orchestrator(stage) as ended:
        await stage.bus.wait_told("fetch started")
        stage.runner.gates["fetch"].set()
        stage.engine.stop("interrupted")
    assert [*ended[0].failures] == ["fetch"]
    assert stage.bus.lines[-1] == "run failed"


@pytest.mark.parametrize("moment", ["fetch started", "web started", "run succeeded"])
async def test_cancelled_from_outside_nothing_is_left(moment: str) -> None:
    """Whenever the whole is cancelled, what it runs ends with it."""
    holds = {"run succeeded": ()}.get(moment, [moment.partition(" ")[0]])
    stage = set_stage(graph_of({"fetch": (), "web": ("fetch",)}, services={"web"}), ToyRunner(holds=holds), stays=True)
    with anyio.fail_after(WITHIN_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stage.engine.run)
            await stage.bus.wait_told(moment)
            tasks.cancel_scope.cancel()
    assert stage.runner.running_now == set()
    assert stage.bus.lines[-1] == moment


async def test_an_error_nobody_expects_ends_everything() -> None:
    """A bug in an adapter is not taken for a failed step; it reaches the top, and nothing is left running."""

    class BrokenRunner(ToyRunner):
        """Breaks with an error that is none of ours, when something else runs."""

        async def do(self, *_: object) -> None:
            """Break."""
            raise ZeroDivisionError

    stage = set_stage(graph_of({"web": (), "page": ("web",)}, services={"web"}), BrokenRunner(), stays=True)
    with anyio.fail_after(WITHIN_S), pytest.RaisesGroup(ZeroDivisionError):
        await stage.engine.run()
    assert stage.runner.running_now == set()


@pytest.mark.parametrize("breaks", [(), ("fetch",)])
async def test_listeners_are_optional(breaks: tuple[str, ...]) -> None:
    """An engine whom nobody asks when all is up, or what failed, works as well."""
    graph = graph_of({"fetch": ()})
    with anyio.fail_after(WITHIN_S):
        outcome = await Engine(Plan(graph), ToyRunner(breaks=breaks), ToyBus()).run()
    assert (*outcome.failures,) == breaks


async def test_a_service_is_restarted_while_the_others_go_on() -> None:
    """It is stopped, started and asked; who asked for it learns when it is ready, and the rest never notices."""
    stage = set_stage(graph_of(WEB, services=SERVICES), ToyRunner(), stays=True)
    async with open_orchestrator(stage):
        await stage.bus.wait_told("run succeeded")
        assert await stage.engine.apply_service_command(ServiceCommand.RESTART, ["database"], "it was asked for") == {}
        assert stage.bus.lines[-4:] == ["database stopped", "database restarted", "database started", "database ready"]
        assert stage.bus.why("database restarted") == "it was asked for"
        stage.engine.stop("asked to")
    assert len(stage.ups) == 1


async def test_what_needs_a_stopped_service_is_unready_until_it_is_back() -> None:
    """Then it is asked again, and says itself how it is."""
    stage = set_stage(graph_of(WEB, services=SERVICES), ToyRunner(), stays=True)
    async with open_orchestrator(stage):
        await stage.bus.wait_told("run succeeded")
        assert await stage.engine.apply_service_command(ServiceCommand.STOP, ["database"], "asked to") == {}
        assert stage.runner.running_now == {"web"}
        assert stage.bus.lines[-2:] == ["database stopped", "web unready"]
        assert stage.bus.why("web unready") == "database, which it needs, is stopped"
        assert await stage.engine.apply_service_command(ServiceCommand.START, ["database"], "asked to") == {}
        await stage.bus.wait_told("web ready", times=2)
        stage.engine.stop("asked to")


async def test_one_that_does_not_answer_when_it_is_asked_again_stays_unready() -> None:
    """With what it said; one that ends meanwhile is told by who runs it, and by nobody else."""
    stage = set_stage(
        graph_of({"database": (), "web": ("database",), "mail": ("database",)}, services={"database", "web", "mail"}),
        ToyRunner(),
        stays=True,
    )
    async with open_orchestrator(stage):
        await stage.bus.wait_told("run succeeded")
        web, mail = stage.runner.programs["web"], stage.runner.programs["mail"]
        web.refusal, mail.refusal = NotReady("web", 1, "silence"), mail.exited
        await stage.engine.apply_service_command(ServiceCommand.STOP, ["database"], "asked to")
        await stage.engine.apply_service_command(ServiceCommand.START, ["database"], "asked to")
        await stage.bus.wait_told("web unready", times=2)
        mail.ends.set()
        await stage.bus.wait_told("mail failed")
        stage.engine.stop("asked to")
    assert stage.bus.why("web unready") == "web not ready after 1 s: silence"
    assert stage.bus.lines.count("mail unready") == 1


async def test_a_restart_that_fails_is_told_to_who_asked() -> None:
    """The others go on, and the next try, after whatever was wrong has been mended, succeeds."""
    stage = set_stage(graph_of(WEB, services=SERVICES), ToyRunner(holds={"web"}), stays=True)
    async with open_orchestrator(stage) as ended:
        await stage.bus.wait_told("web started")
        stage.runner.programs["web"].answers.set()
        await stage.bus.wait_told("run succeeded")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fail_restart, stage)
            await stage.bus.wait_told("web restarted")
            await stage.bus.wait_told("web started", times=2)
            stage.runner.programs["web"].ends.set()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stage.engine.apply_service_command, ServiceCommand.START, ["web"], "asked to")
            await stage.bus.wait_told("web started", times=3)
            stage.runner.programs["web"].answers.set()
        stage.engine.stop("asked to")
    assert ended == [Outcome()]


async def fail_restart(stage: Stage) -> None:
    """Restart the service ``web``, which does not come back."""
    failures = await stage.engine.apply_service_command(ServiceCommand.RESTART, ["web"], "asked to")
    assert isinstance(failures["web"], ServiceExited)


async def test_a_restart_cut_off_by_the_end_says_so() -> None:
    """Who waits for it is not left waiting."""
    stage = set_stage(graph_of({"web": ()}, services={"web"}), ToyRunner(holds={"web"}), stays=True)
    failures: dict[str, NovaflowError] = {}

    async def restart() -> None:
        failures.update(await stage.engine.apply_service_command(ServiceCommand.RESTART, ["web"], "asked to"))

    async with open_orchestrator(stage):
        await stage.bus.wait_told("web started")
        stage.runner.programs["web"].answers.set()
        await stage.bus.wait_told("run succeeded")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(restart)
            await stage.bus.wait_told("web started", times=2)
            stage.engine.stop("asked to")
    assert str(failures["web"]) == "web was stopped"
