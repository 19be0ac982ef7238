"""The engine continues the run of a supervisor that has crashed, and applies commands to services that are down or restarted."""

import anyio

from novaflow.model.restart import RestartPolicy
from novaflow.plan.commands import ServiceCommand
from tests.engine.harness import FakeRunner, make_harness
from tests.engine.test_restarts import AT_ONCE, SELDOM, SERVICES, WEB, WITHIN_S, stays_up
from tests.support.toys import graph_of


async def test_a_continued_run_restarts_a_service_that_is_not_ready() -> None:
    """A service that was ready under the earlier supervisor is restarted by its policy; the others run on."""
    runner = FakeRunner(holds=("database",), adopts=("database", "web", "other"))
    graph = graph_of(WEB | {"other": ()}, services=(*SERVICES, "other"), restart=AT_ONCE, liveness=SELDOM)
    harness = make_harness(graph, runner, stays=True, done=())

    async def repair() -> None:
        await harness.bus.wait_published("database adopted")
        runner.programs["database"].ends.set()
        await harness.bus.wait_published("database restarted")
        await harness.bus.wait_published("database adopted", times=2)
        runner.programs["database"].answers.set()

    with anyio.fail_after(WITHIN_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(repair)
            async with stays_up(harness):
                pass
    assert harness.bus.lines.count("other adopted") == 1
    assert "database failed" not in harness.bus.lines
    assert harness.bus.lines.index("database exited") < harness.bus.lines.index("web adopted")


async def test_a_service_that_fails_for_good_does_not_end_a_continued_run() -> None:
    """When its budget is used up, the workflow has failed, and the other services run until a stop is requested."""
    runner = FakeRunner(breaks=("database",), adopts=("other",))
    graph = graph_of({"database": (), "other": ()}, services=("database", "other"), restart=AT_ONCE, liveness=SELDOM)
    harness = make_harness(graph, runner, stays=True, done=())
    with anyio.fail_after(WITHIN_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(harness.engine.run)
            await harness.bus.wait_published("run failed")
            assert runner.running_now == {"other"}
            assert len(harness.ups) == 1
            harness.engine.stop("end of the test")
    assert harness.bus.reason("run failed") == "failed: database"
    assert harness.bus.lines.count("database restarted") == AT_ONCE.budget


async def test_a_start_of_a_running_service_keeps_its_restarts() -> None:
    """`start` of a service that runs changes nothing: it is restarted when it exits."""
    harness = make_harness(graph_of(WEB, services=SERVICES, restart=AT_ONCE, liveness=SELDOM), FakeRunner(), stays=True)
    async with stays_up(harness):
        assert await harness.engine.apply_service_command(ServiceCommand.START, ["web"], "start of web was requested") == {}
        harness.runner.programs["web"].ends.set()
        await harness.bus.wait_published("web ready", times=2)
    assert "web failed" not in harness.bus.lines
    assert harness.bus.reason("web restarted") == "restart 1 after web exited with 7"


async def test_a_service_that_is_stopped_in_its_pause_is_published_as_stopped() -> None:
    """It does not run at that moment, and is not restarted."""
    later = RestartPolicy(first_s=3600, most_s=3600)
    harness = make_harness(graph_of(WEB, services=SERVICES, restart=later, liveness=SELDOM), FakeRunner(), stays=True)
    async with stays_up(harness):
        harness.runner.programs["database"].ends.set()
        await harness.bus.wait_published("web unready")
        assert await harness.engine.apply_service_command(ServiceCommand.STOP, ["database"], "stop of database was requested") == {}
        assert harness.bus.lines[-1] == "database stopped"
    assert harness.bus.reason("database stopped") == "stopped: stop of database was requested"
