"""The preparation of a start: what is resumed, started again, and run before."""

import os

import anyio
import pytest

from novaflow.adapters.process import ProcessOwner
from novaflow.adapters.storage import read_journal
from novaflow.errors import NotReady, RunError, StackBusy, UsageError
from novaflow.events.types import ServiceState, StackState, StepState
from novaflow.runtime.fresh_start import find_losses
from novaflow.runtime.launcher import RunOptions, WaitFor
from novaflow.runtime.resume import DoneSteps, count_adoptable
from novaflow.runtime.source_fetch import fetch_source
from novaflow.runtime.startup import find_resumable, lock_for_run, lock_for_up, prepare_run, prepare_up, repair
from tests.support.supervisors import NO_STATUS, RecordingDisplay, ScriptedSupervisor, supervising
from tests.support.toy_stack import ToyStack, service_is, stack_is, step_is

OPTIONS = RunOptions(WaitFor.READY)
FRESH = RunOptions(WaitFor.READY, fresh=True)


async def test_a_stack_that_is_ready_need_not_be_locked(toy: ToyStack) -> None:
    """`up` leaves it as it is, unless its data is to be deleted; `run` is refused."""
    async with supervising(ScriptedSupervisor(toy)):
        assert await lock_for_up(toy.open(), force=True, fresh=False) is None
        for lock in (lock_for_run(toy.open(), force=True), lock_for_up(toy.open(), force=True, fresh=True)):
            with pytest.raises(UsageError, match=r"^nova is ready since "):
                await lock


async def test_a_lock_names_its_command(toy: ToyStack) -> None:
    """A second command says which one holds it."""
    lock = await lock_for_run(toy.open(), force=True)
    with lock, pytest.raises(StackBusy, match=rf"another novaflow process: `novaflow run`, pid {os.getpid()}; wait until it has ended$"):
        await lock_for_up(toy.open(), force=True, fresh=True)


DEGRADED = {**NO_STATUS, "state": "degraded"}


async def test_the_failed_services_of_a_degraded_stack_are_started(toy: ToyStack) -> None:
    """A service comes after those that it needs; one that runs is left alone; the error names each that failed."""
    toy.add_services()
    services = [{"name": "web-worker", "state": "failed"}, {"name": "web", "state": "stopped"}, {"name": "other", "state": "ready"}]
    degraded = {**DEGRADED, "services": services}
    async with supervising(ScriptedSupervisor(toy, degraded, later=NO_STATUS)) as supervisor:
        assert await repair(toy.open(), RecordingDisplay(), timeout_s=None)
        assert supervisor.requests == ["start web", "start web-worker"]
    async with supervising(ScriptedSupervisor(toy, degraded, failures={"web": "exited with 1"})):
        with pytest.raises(RunError, match=r"^start of web failed: exited with 1\nstart of web failed: exited with 1$") as raised:
            await repair(toy.open(), RecordingDisplay(), timeout_s=None)
    assert raised.value.nodes == ("web", "web")


async def test_services_that_are_restarted_are_waited_for(toy: ToyStack) -> None:
    """The wait ends with the time limit, when a service has failed, or when the stack was stopped."""
    toy.add_services()
    waiting = {**DEGRADED, "services": [{"name": "web", "state": "exited", "reason": "killed"}]}
    async with supervising(ScriptedSupervisor(toy, waiting)) as supervisor:
        with pytest.raises(NotReady, match="it is still degraded"):
            await repair(toy.open(), RecordingDisplay(), timeout_s=0.05)
        assert supervisor.requests == []
    services = [{"name": "web", "state": "stopped"}]
    failed = [{"name": "web-worker", "state": "failed", "reason": "exited with 7"}]
    for later, message, nodes in (
        ({**DEGRADED, "services": failed}, "^web-worker failed: exited with 7$", ("web-worker",)),
        ({**NO_STATUS, "state": "stopping"}, "^nova was stopped; ", ()),
    ):
        async with supervising(ScriptedSupervisor(toy, {**DEGRADED, "services": services}, later=later)):
            with pytest.raises(RunError, match=message) as raised:
                await repair(toy.open(), RecordingDisplay(), timeout_s=None)
        assert raised.value.nodes == nodes


async def test_a_stack_that_is_not_degraded_is_left_alone(toy: ToyStack) -> None:
    """Also one without a supervisor."""
    assert not await repair(toy.open(), RecordingDisplay(), timeout_s=None)
    async with supervising(ScriptedSupervisor(toy)) as supervisor:
        assert not await repair(toy.open(), RecordingDisplay(), timeout_s=None)
    assert supervisor.requests == []


@pytest.fixture
def crashed(toy: ToyStack) -> ToyStack:
    """Return a stack whose supervisor was killed."""
    toy.add_services()
    toy.crash()
    return toy


async def test_services_that_still_run_are_adopted(crashed: ToyStack) -> None:
    """A start with empty data ends them instead."""
    owner = ProcessOwner(crashed.paths, "web")
    async with await anyio.open_process(["sleep", "600"], env={"PATH": "/usr/bin:/bin", **owner.marker}, start_new_session=True) as process:
        owner.note(process.pid)
        found = (
            count_adoptable(crashed.open()),
            find_resumable(crashed.open(), OPTIONS).resume,
            find_resumable(crashed.open(), FRESH).resume,
        )
        process.kill()
    assert found == (1, True, False)
    assert not find_resumable(crashed.open(), OPTIONS).resume


async def test_a_stack_that_was_stopped_is_not_resumed(toy: ToyStack) -> None:
    """It has not crashed."""
    toy.append(stack_is(StackState.STARTING), stack_is(StackState.STOPPED))
    assert count_adoptable(toy.open()) == 0


def test_steps_that_were_done_are_not_repeated(toy: ToyStack) -> None:
    """Only those of the workflow `run` count: skipped ones as well, and none that failed or that was running."""
    toy.append(
        step_is("toy.create", StepState.SUCCEEDED),
        step_is("toy.use", StepState.SKIPPED),
        step_is("toy.fail", StepState.FAILED),
        step_is("toy.hang", StepState.STARTED),
        step_is("toy.ask", StepState.SUCCEEDED, workflow="verify"),
        service_is("web", ServiceState.READY),
    )
    stack = toy.open()
    stack.paths.run.mkdir()
    first = DoneSteps(stack, resume=False)
    for record in read_journal(toy.paths.journal):
        first.apply(record)
    assert first.before is None
    assert DoneSteps(stack, resume=True).before == ["toy.create", "toy.use"]
    assert DoneSteps(stack, resume=False).before is None
    assert DoneSteps(stack, resume=True).before == []


async def run_before(toy: ToyStack, options: RunOptions) -> list[str]:
    """Return what a start shows before the supervisor is started."""
    display = RecordingDisplay()
    await prepare_run(toy.open(), options, display)
    return [event for event in display.events if event.endswith("started") and "." not in event]


@pytest.mark.parametrize(
    ("options", "expected"),
    [(OPTIONS, []), (FRESH, ["reset started"]), (RunOptions(WaitFor.READY, tests="", fresh=True), ["reset started", "test started"])],
    ids=["kept", "fresh", "tests"],
)
async def test_data_is_deleted_before_the_tests_run(toy: ToyStack, options: RunOptions, expected: list[str]) -> None:
    """A failed test must not leave the data of two runs."""
    for name in ("test", "reset"):
        toy.add_step(name, "return None", component=f"{name}-component")
    assert await run_before(toy, options) == expected


async def test_a_workflow_may_require_to_run_before(toy: ToyStack) -> None:
    """It is run once, also if it was requested."""
    toy.add_workflow("reset", "before_run=lambda settings, paths: True")
    toy.add_step("reset", "return None")
    assert await run_before(toy, OPTIONS) == ["reset started"]
    assert await run_before(toy, FRESH) == ["reset started"]


async def test_the_selected_tests_are_passed_on(toy: ToyStack) -> None:
    """The step reads them as an argument."""
    toy.add_step("test", 'raise StepFailed(f"run {ctx.arguments}")')
    display = RecordingDisplay()
    with pytest.raises(RunError, match=r"^test failed: extra\.body$"):
        await prepare_run(toy.open(), RunOptions(WaitFor.READY, tests="nova.tests.unit"), display)
    assert next(record.event.reason for record in toy.records if record.event.state == "failed") == "run {'tests': 'nova.tests.unit'}"


async def test_a_resumed_start_prepares_nothing(toy: ToyStack) -> None:
    """Its services use what is there."""
    toy.add_step("install", 'raise StepFailed("it must not run")')
    await prepare_up(toy.open(), RunOptions(WaitFor.READY, resume=True), RecordingDisplay())
    with pytest.raises(RunError, match=r"^install failed: extra\.body$"):
        await prepare_up(toy.open(), OPTIONS, RecordingDisplay())


async def test_only_results_of_the_inventory_are_losses(toy: ToyStack) -> None:
    """A skipped step has counted nothing; a workflow that is done already is not run."""
    assert await find_losses(toy.open(), RecordingDisplay()) == ()
    toy.add_workflow("inventory", 'reason_done=lambda *_: "there is no cloud"')
    toy.add_step("inventory", 'return "2 volumes"')
    assert await find_losses(toy.open(), RecordingDisplay()) == ()


@pytest.mark.parametrize("force", [False, True])
async def test_a_local_source_is_named_by_its_whole_path(toy: ToyStack, monkeypatch: pytest.MonkeyPatch, force: bool) -> None:  # noqa: FBT001
    """The step runs in another folder; an address is passed on as it is, and a fetch is refused while the stack is up."""
    toy.add_step("branch", 'raise StepFailed(f"{ctx.arguments}")')
    monkeypatch.chdir(toy.folder)
    for source in (toy.workflows.name, "https://example.com/nova", ""):
        with pytest.raises(RunError, match=r"^branch failed: extra\.body$"):
            await fetch_source(toy.open(), source, RecordingDisplay(), force=force)
    reasons = [record.event.reason for record in toy.records if record.event.name == "extra.body" and record.event.state == "failed"]
    sources = (str(toy.workflows), "https://example.com/nova", "")
    assert reasons == [str({"source": source, "force": "1" if force else ""}) for source in sources]
    async with supervising(ScriptedSupervisor(toy)):
        with pytest.raises(UsageError, match=r"^nova is ready since "):
            await fetch_source(toy.open(), "", RecordingDisplay(), force=True)
