"""The engine keeps services running: restarts, liveness, adoption, and steps that are done already."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio

from novaflow.engine.engine import Outcome
from novaflow.model.restart import Liveness, RestartPolicy
from novaflow.model.service import Service
from novaflow.plan.commands import ServiceCommand
from novaflow.plan.graph import Graph
from tests.engine.harness import FakeRunner, Harness, make_harness
from tests.support.programs import wait_until
from tests.support.toys import graph_of

WITHIN_S = 10  # for what takes milliseconds
WEB = {"database": (), "web": ("database",)}
SERVICES = ("database", "web")
AT_ONCE = RestartPolicy(first_s=0.001, most_s=0.001, budget=2)
NEVER = RestartPolicy(budget=0)
OFTEN = Liveness(interval_s=0.001, timeout_s=1, failures=3)
SELDOM = Liveness(interval_s=3600)


@asynccontextmanager
async def stays_up(harness: Harness) -> AsyncIterator[list[Outcome]]:
    """Run the engine until everything is up, then the block, then stop it; the list then holds the outcome."""
    ended: list[Outcome] = []

    async def run() -> None:
        ended.append(await harness.engine.run())

    with anyio.fail_after(WITHIN_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            await harness.bus.wait_published("run succeeded")
            yield ended
            harness.engine.stop("end of the test")
    assert harness.runner.running_now == set()


async def test_a_service_that_exits_is_restarted() -> None:
    """The exit and the restart are published with their reasons, and the dependents are checked again."""
    graph = graph_of(WEB, services=SERVICES, restart=AT_ONCE, liveness=SELDOM)
    harness = make_harness(graph, FakeRunner(), stays=True)
    async with stays_up(harness):
        harness.runner.programs["database"].ends.set()
        await harness.bus.wait_published("web ready", times=2)
    lines = harness.bus.lines[harness.bus.lines.index("run succeeded") + 1 :]
    assert lines[:6] == ["database exited", "web unready", "database restarted", "database started", "database ready", "web ready"]
    assert harness.bus.reason("database exited") == "database exited with 7"
    assert harness.bus.reason("web unready") == "database, which it needs, exited and will be restarted"
    assert harness.bus.reason("database restarted") == "restart 1 after database exited with 7"


async def test_a_budget_that_is_used_up_ends_in_failure() -> None:
    """A service that exits again and again is restarted as often as its policy says, and has then failed."""
    graph = graph_of({"web": ()}, services=("web",), restart=AT_ONCE, liveness=SELDOM)
    harness = make_harness(graph, FakeRunner(), stays=True)
    async with stays_up(harness) as ended:
        for times in (1, 2, 3):
            await harness.bus.wait_published("web ready", times=times)
            harness.runner.programs["web"].ends.set()
        await harness.bus.wait_published("web failed")
    assert harness.bus.lines.count("web restarted") == 2
    assert [str(error) for error in ended[0].failures.values()] == ["web exited with 7"]


async def test_a_start_that_fails_after_a_crash_is_tried_again() -> None:
    """A restarted service that cannot be started uses up its budget like one that exits."""
    graph = graph_of({"web": ()}, services=("web",), restart=AT_ONCE, liveness=SELDOM)
    harness = make_harness(graph, FakeRunner(), stays=True)
    async with stays_up(harness):
        harness.runner.breaks = {"web"}
        harness.runner.programs["web"].ends.set()
        await harness.bus.wait_published("web failed")
    assert harness.bus.lines.count("web restarted") == 2
    assert harness.bus.reason("web failed") == "web cannot be started"


async def test_a_service_that_never_was_ready_is_not_restarted() -> None:
    """An exit during the first start fails the run at once."""
    graph = graph_of({"web": ()}, services=("web",), restart=AT_ONCE, liveness=SELDOM)
    harness = make_harness(graph, FakeRunner(holds=("web",)), stays=True)
    with anyio.fail_after(WITHIN_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(harness.engine.run)
            await harness.bus.wait_published("web started")
            harness.runner.programs["web"].ends.set()
            await harness.bus.wait_published("run failed")
    assert "web restarted" not in harness.bus.lines


async def test_a_requested_restart_that_fails_is_not_tried_again() -> None:
    """It is a start by command: after an edit with an error, the developer sees the failure at once, not after the budget."""
    graph = graph_of({"web": ()}, services=("web",), restart=AT_ONCE, liveness=SELDOM)
    harness = make_harness(graph, FakeRunner(), stays=True)
    async with stays_up(harness):
        harness.runner.breaks = {"web"}
        errors = await harness.engine.apply_service_command(ServiceCommand.RESTART, ["web"], "requested")
        assert {name: str(error) for name, error in errors.items()} == {"web": "web cannot be started"}
        await harness.bus.wait_published("web failed")
    assert harness.bus.lines.count("web restarted") == 1  # the requested one


async def test_a_service_is_restarted_with_what_it_needs() -> None:
    """One that cannot recover by itself is restarted when its need is back, after a crash and after a restart by command."""
    graph = graph_of(WEB, services=SERVICES, restart=AT_ONCE, liveness=SELDOM)
    web = graph.nodes["web"]
    assert isinstance(web.part, Service)
    nodes = {**graph.nodes, "web": replace(web, part=replace(web.part, restart_with=("database",)))}
    harness = make_harness(Graph("run", nodes), FakeRunner(), stays=True)
    async with stays_up(harness):
        harness.runner.programs["database"].ends.set()
        await harness.bus.wait_published("web ready", times=2)
        assert harness.bus.lines[-6:] == [
            "database started", "database ready", "web stopped", "web restarted", "web started", "web ready",
        ]  # fmt: skip
        assert harness.bus.reason("web restarted") == "database was restarted"
        await harness.engine.apply_service_command(ServiceCommand.RESTART, ["database"], "requested")
        await harness.bus.wait_published("web ready", times=3)
        assert harness.bus.lines.count("web restarted") == 2


async def test_a_restart_waits_for_needs_that_do_not_answer() -> None:
    """A service is restarted when what it needs answers again, not while that is unready."""
    needs = {"database": (), "web": ("database",), "page": ("web",)}
    graph = graph_of(needs, services=tuple(needs), restart=AT_ONCE, liveness=replace(OFTEN, failures=1_000_000))
    harness = make_harness(graph, FakeRunner(), stays=True)
    async with stays_up(harness):
        harness.runner.programs["web"].unresponsive = True
        await harness.bus.wait_published("web unready")
        harness.runner.programs["page"].ends.set()
        await harness.bus.wait_published("page exited")
        before = harness.runner.programs["web"].looks
        await wait_until(lambda: harness.runner.programs["web"].looks > before + 100)  # the restart is due after a millisecond
        assert "page restarted" not in harness.bus.lines
        harness.runner.programs["web"].unresponsive = False
        await harness.bus.wait_published("page ready", times=2)
    assert harness.bus.reason("page restarted") == "web is up"


async def test_a_defect_ends_one_service_only() -> None:
    """An error that no code expects is the failure of its node; the other services continue, and the stack can be stopped."""
    graph = graph_of({"web": (), "mail": ()}, services=("web", "mail"), restart=AT_ONCE, liveness=SELDOM)
    harness = make_harness(graph, FakeRunner(), stays=True)
    async with stays_up(harness):
        harness.runner.programs["web"].defect = RuntimeError("no such state")
        harness.runner.programs["web"].ends.set()
        await harness.bus.wait_published("web ready", times=2)
        assert "mail" in harness.runner.running_now
    assert harness.bus.reason("web exited") == "the monitor of web failed; the traceback is in the supervisor's log"


async def test_a_stop_during_the_pause_ends_the_run() -> None:
    """A stack that stops does not wait for a restart that is due in an hour."""
    graph = graph_of({"web": ()}, services=("web",), restart=RestartPolicy(first_s=3600, most_s=3600), liveness=SELDOM)
    harness = make_harness(graph, FakeRunner(), stays=True)
    async with stays_up(harness) as ended:
        harness.runner.programs["web"].ends.set()
        await harness.bus.wait_published("web exited")
    assert ended[0]
    assert "web restarted" not in harness.bus.lines


async def test_a_service_that_does_not_answer_is_unready_and_then_restarted() -> None:
    """The first failed check makes the service unready; after the last one allowed it is restarted."""
    graph = graph_of({"web": ()}, services=("web",), restart=AT_ONCE, liveness=OFTEN)
    harness = make_harness(graph, FakeRunner(), stays=True)
    async with stays_up(harness):
        harness.runner.programs["web"].unresponsive = True
        await harness.bus.wait_published("web ready", times=2)
    assert harness.bus.lines.count("web unready") == 1
    assert harness.bus.reason("web unready") == "web not ready after 1 s: no answer"
    assert harness.bus.reason("web exited") == "web did not answer 3 checks in a row"


async def test_a_service_that_answers_again_is_ready_again() -> None:
    """A service that was unready for a moment is not restarted."""
    graph = graph_of({"web": ()}, services=("web",), restart=NEVER, liveness=Liveness(interval_s=0.001, timeout_s=1, failures=1_000_000))
    harness = make_harness(graph, FakeRunner(), stays=True)
    async with stays_up(harness):
        harness.runner.programs["web"].unresponsive = True
        await harness.bus.wait_published("web unready")
        harness.runner.programs["web"].unresponsive = False
        await harness.bus.wait_published("web ready", times=2)
    assert harness.bus.reason("web ready") == "answered a check"


async def test_a_suspended_service_is_noticed_without_a_check() -> None:
    """A program that a signal has suspended is unready before its probe could time out."""
    graph = graph_of({"web": ()}, services=("web",), restart=NEVER, liveness=Liveness(interval_s=0.001, timeout_s=1, failures=1_000_000))
    harness = make_harness(graph, FakeRunner(), stays=True)
    async with stays_up(harness):
        harness.runner.programs["web"].suspended = True
        await harness.bus.wait_published("web unready")
    assert harness.bus.reason("web unready") == "its process is suspended by a signal"


async def test_a_service_whose_need_is_down_is_not_restarted() -> None:
    """It does not answer because of its need; a restart would not help."""
    graph = graph_of(WEB, services=SERVICES, restart=RestartPolicy(first_s=3600, most_s=3600), liveness=OFTEN)
    harness = make_harness(graph, FakeRunner(), stays=True)
    async with stays_up(harness):
        web = harness.runner.programs["web"]
        harness.runner.programs["database"].ends.set()
        await harness.bus.wait_published("web unready")
        web.unresponsive = True
        before = web.looks
        await wait_until(lambda: web.looks > before + 2 * OFTEN.failures)
    assert "web exited" not in harness.bus.lines


async def test_a_service_whose_need_is_down_stays_unready() -> None:
    """Its own probe may succeed, but the service is not ready without what it needs."""
    graph = graph_of(WEB, services=SERVICES, restart=NEVER, liveness=Liveness(interval_s=0.001, timeout_s=1, failures=1_000_000))
    harness = make_harness(graph, FakeRunner(), stays=True)
    async with stays_up(harness):
        await harness.engine.apply_service_command(ServiceCommand.STOP, ["database"], "requested")
        await harness.bus.wait_published("web unready")
        before = harness.runner.programs["web"].looks
        await wait_until(lambda: harness.runner.programs["web"].looks > before + 2)  # a check would have been made between them
        assert harness.bus.lines[-2:] == ["database stopped", "web unready"]


async def test_a_running_service_is_adopted() -> None:
    """A program that an earlier supervisor started is published as adopted, not as started."""
    harness = make_harness(graph_of(WEB, services=SERVICES, liveness=SELDOM), FakeRunner(adopts=("database",)), stays=True)
    async with stays_up(harness):
        pass
    assert "database started" not in harness.bus.lines
    assert harness.bus.reason("database adopted") == "process 4711 was already running"
    assert harness.bus.lines.index("database adopted") < harness.bus.lines.index("database ready")


async def test_a_step_that_is_done_does_not_run_again() -> None:
    """In a run that is continued, it is published as skipped with the reason, and its dependents start."""
    runner = FakeRunner()
    ran: list[str] = []
    runner.before_return = ran.append
    harness = make_harness(graph_of({"create": (), "use": ("create",)}), runner, done={"create"})
    assert await harness.engine.run()
    assert ran == ["use"]
    assert harness.bus.reason("create skipped") == "done before the supervisor was replaced"
