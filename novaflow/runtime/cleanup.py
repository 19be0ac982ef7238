"""Ends what is left of a stack, whoever left it."""

import shutil
from collections.abc import Iterator, Sequence

import anyio

from novaflow.adapters.process.context import NodeContext
from novaflow.adapters.process.process_ownership import ProcessOwner, describe_process, end_processes, find_processes
from novaflow.cli.commands.install import require_good
from novaflow.cli.commands.status import LIVING, read_status
from novaflow.engine.engine import Engine, Outcome
from novaflow.events.types import StackChanged, StackState
from novaflow.model.orphan import OrphanedResource
from novaflow.runtime.orchestrator import Orchestrator, new_run_id
from novaflow.runtime.stack import Stack

GRACE_S = 3.0  # for processes a crashed supervisor left: they were asked by nobody before


async def clean_up(orchestrator: Orchestrator) -> Outcome:
    """End every process of the stack that still runs, then undo what it did to the machine."""
    stack = orchestrator.stack
    await end_processes(find_processes(ProcessOwner(stack.paths)), grace_s=GRACE_S)
    outcome = await _clean(orchestrator) if "clean" in stack.found.workflows else Outcome()
    if outcome:
        _empty_run_folder(stack)
    return outcome


async def clean_up_crashed(orchestrator: Orchestrator) -> None:
    """Sweep where no supervisor is left, and tell the end of a stack that had no chance to; whoever does holds the lock.

    Raises: WorkflowFailed, if something cannot be removed; RunError, if that took too long.
    """
    require_good("clean", await clean_up(orchestrator))
    if read_status(orchestrator.stack).state in LIVING:
        reason = "its supervisor was gone without a word; what it left was ended"
        orchestrator.bus(new_run_id()).publish(StackChanged(name=orchestrator.stack.name, state=StackState.STOPPED, reason=reason))
    orchestrator.stack.paths.control.unlink(missing_ok=True)  # whoever listened there is gone: the lock is ours


async def find_orphans(orchestrator: Orchestrator) -> Sequence[OrphanedResource]:
    """Return all that `sweep` would end and remove: processes, what components know of, and what lies in the run folder."""
    stack = orchestrator.stack
    found = [
        OrphanedResource("process", str(process.pid), describe_process(process)) for process in find_processes(ProcessOwner(stack.paths))
    ]
    for component in stack.components:
        for find in component.orphans:
            found += await find(NodeContext(orchestrator.machine, f"{component.name}.leftovers"))
    return [*found, *_look_into_run_folder(stack)]


async def _clean(orchestrator: Orchestrator) -> Outcome:
    """Run the workflow `clean`, no longer than its limit: whoever waits for the end of a stack must not wait for ever."""
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


def _look_into_run_folder(stack: Stack) -> Iterator[OrphanedResource]:
    for path in sorted(stack.paths.run.iterdir()):
        if path != stack.paths.lock:
            kind = "folder" if path.is_dir() else "socket" if path.is_socket() else "file"
            yield OrphanedResource(kind, str(path), "sockets, process ids and tokens of what is gone")


def _empty_run_folder(stack: Stack) -> None:
    """Remove sockets, process ids and tokens: what they speak of is gone."""
    for path in stack.paths.run.iterdir():
        if path in {stack.paths.lock, stack.paths.control}:  # both are somebody's until he goes
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
