"""Removes everything that a stack started or created on the machine."""

import shutil

import anyio

from novaflow.adapters.process import ProcessOwner, describe_process, end_group, end_processes, find_processes
from novaflow.engine.engine import Engine, Outcome
from novaflow.errors import RunError
from novaflow.events.types import StackChanged, StackState
from novaflow.runtime.foreground import require_success
from novaflow.runtime.orchestrator import Orchestrator, new_run_id
from novaflow.runtime.stack import Stack
from novaflow.runtime.status import SUPERVISED, read_status

GRACE_S = 3.0  # between SIGTERM and SIGKILL, for processes that a crashed supervisor left


async def clean_up(orchestrator: Orchestrator) -> Outcome:
    """End every process of the stack, then run the workflow `clean`; the records of a process that cannot be ended are kept."""
    stack = orchestrator.stack
    owner = ProcessOwner(stack.paths)
    await end_processes(find_processes(owner), grace_s=GRACE_S)
    if owner.cgroup:
        await end_group(owner.cgroup)
    outcome = await _run_clean(orchestrator) if "clean" in stack.found.workflows else Outcome()
    if outcome and not find_processes(owner):
        _empty_run_folder(stack)
    return outcome


def describe_left(stack: Stack, cleaned: Outcome) -> str | None:
    """Return in one line what ``clean_up``, which returned ``cleaned``, could not end or remove; ``None`` if nothing is left."""
    left = _describe_processes(stack)
    try:
        require_success("clean", cleaned)
    except RunError as error:
        left.insert(0, str(error))
    return f"{'; '.join(left)}; try again with `novaflow clean`" if left else None


async def clean_up_after_crash(orchestrator: Orchestrator) -> None:
    """Clean up where no supervisor runs, and publish that the stack is stopped if its supervisor has not done so.

    Raises: WorkflowFailed, if something cannot be removed; RunError, if that took too long, or naming each process that still runs.
    """
    stack = orchestrator.stack
    require_success("clean", await clean_up(orchestrator))
    _require_no_process(stack)
    if reason := _reason_not_stopped(stack):
        stopped = StackChanged(name=stack.name, state=StackState.STOPPED, reason=f"{reason}; everything it left was stopped and removed")
        orchestrator.bus(new_run_id()).publish(stopped)
    stack.paths.control.unlink(missing_ok=True)  # no process listens on it: the caller holds the lock


def _reason_not_stopped(stack: Stack) -> str | None:
    """Return why the stack's journal does not end with its stop; ``None`` if it does."""
    state = read_status(stack).state
    if state in SUPERVISED:
        return "the supervisor exited unexpectedly"
    return "the stack has failed" if state is StackState.FAILED else None


def _describe_processes(stack: Stack) -> list[str]:
    return [f"process {process.pid} still runs: {describe_process(process)}" for process in find_processes(ProcessOwner(stack.paths))]


def _require_no_process(stack: Stack) -> None:
    if left := _describe_processes(stack):
        advice = "the kernel ends them when what they wait for, such as a disk, answers; run `novaflow clean` again then"
        raise RunError("\n".join([*left, advice]))


async def _run_clean(orchestrator: Orchestrator) -> Outcome:
    """Run the workflow `clean`, no longer than its limit: a stop of the stack always ends."""
    within_s = orchestrator.stack.workflow("clean").within_s
    engine = orchestrator.engine("clean", new_run_id())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_stop_late, engine, within_s)
        outcome = await engine.run()
        tasks.cancel_scope.cancel()
    return outcome


async def _stop_late(engine: Engine, within_s: float) -> None:
    await anyio.sleep(within_s)
    engine.stop(f"not done after {within_s:g} s")


def _empty_run_folder(stack: Stack) -> None:
    """Remove sockets, process ids and tokens of ended processes."""
    for path in stack.paths.run.iterdir():
        if path in {stack.paths.lock, stack.paths.control}:  # the supervisor uses both until it exits
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
