"""Ends what is left of a stack, whoever left it."""

import shutil
from collections.abc import Iterator, Sequence

import anyio

from novaflow.adapters.belongings import Owner, describe_process, end_processes, find_processes
from novaflow.adapters.context import NodeContext
from novaflow.cli.conduct import Conductor, new_run_id
from novaflow.cli.install import require_good
from novaflow.cli.stack import Stack
from novaflow.cli.status import LIVING, read_status
from novaflow.engine.engine import Engine, Outcome
from novaflow.model.component import Leftover
from novaflow.model.event import StackChanged, StackState

GRACE_S = 3.0  # for processes a crashed supervisor left: they were asked by nobody before


async def sweep(conductor: Conductor) -> Outcome:
    """End every process of the stack that still runs, then undo what it did to the machine."""
    stack = conductor.stack
    await end_processes(find_processes(Owner(stack.paths)), grace_s=GRACE_S)
    outcome = await _clean(conductor) if "clean" in stack.found.workflows else Outcome()
    if outcome:
        _empty_run_folder(stack)
    return outcome


async def sweep_crashed(conductor: Conductor) -> None:
    """Sweep where no supervisor is left, and tell the end of a stack that had no chance to; whoever does holds the lock.

    Raises: WorkflowFailed, if something cannot be removed; RunError, if that took too long.
    """
    require_good("clean", await sweep(conductor))
    if read_status(conductor.stack).state in LIVING:
        because = "its supervisor was gone without a word; what it left was ended"
        conductor.bus(new_run_id()).tell(StackChanged(name=conductor.stack.name, state=StackState.STOPPED, because=because))
    conductor.stack.paths.control.unlink(missing_ok=True)  # whoever listened there is gone: the lock is ours


async def find_leftovers(conductor: Conductor) -> Sequence[Leftover]:
    """Return all that `sweep` would end and remove: processes, what components know of, and what lies in the run folder."""
    stack = conductor.stack
    found = [Leftover("process", str(process.pid), describe_process(process)) for process in find_processes(Owner(stack.paths))]
    for component in stack.components:
        for find in component.leftovers:
            found += await find(NodeContext(conductor.machine, f"{component.name}.leftovers"))
    return [*found, *_look_into_run_folder(stack)]


async def _clean(conductor: Conductor) -> Outcome:
    """Run the workflow `clean`, no longer than its limit: whoever waits for the end of a stack must not wait for ever."""
    within_s = conductor.stack.workflow("clean").within_s
    engine = conductor.engine("clean", new_run_id())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_stop_late, engine, within_s)
        outcome = await engine.conduct()
        tasks.cancel_scope.cancel()
    return outcome


async def _stop_late(engine: Engine, within_s: float) -> None:
    await anyio.sleep(within_s)
    engine.stop(f"not done after {within_s:g} s")


def _look_into_run_folder(stack: Stack) -> Iterator[Leftover]:
    for path in sorted(stack.paths.run.iterdir()):
        if path != stack.paths.lock:
            kind = "folder" if path.is_dir() else "socket" if path.is_socket() else "file"
            yield Leftover(kind, str(path), "sockets, process ids and tokens of what is gone")


def _empty_run_folder(stack: Stack) -> None:
    """Remove sockets, process ids and tokens: what they speak of is gone."""
    for path in stack.paths.run.iterdir():
        if path in {stack.paths.lock, stack.paths.control}:  # both are somebody's until he goes
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
