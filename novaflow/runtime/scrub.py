"""Finds and removes what a stack left on the machine."""

from collections.abc import Iterator, Sequence

from novaflow.adapters.local import NodeContext
from novaflow.adapters.process import ProcessOwner, describe_process, find_processes
from novaflow.adapters.storage import StackLock
from novaflow.errors import RunError
from novaflow.model.orphan import OrphanedResource
from novaflow.runtime.abandoned import end_abandoned, find_abandoned
from novaflow.runtime.boot import describe_entries, remove_entries
from novaflow.runtime.cleanup import clean_up_after_crash
from novaflow.runtime.display import Display
from novaflow.runtime.orchestrator import Orchestrator, open_orchestrator
from novaflow.runtime.preflight import require_no_supervisor
from novaflow.runtime.stack import Stack


async def scrub(stack: Stack, display: Display, *, dry_run: bool) -> Sequence[OrphanedResource] | None:
    """Remove what the stack left on the machine, and return it; ``None`` if there is no stack. ``dry_run`` only finds it.

    Raises: UsageError, if the stack is up; StackBusy; WorkflowFailed; RunError, naming what could not be removed.
    """
    entries, left = describe_entries(stack), [*find_abandoned(stack)]
    if not stack.paths.root.exists():
        left += _find_processes(stack)
        if dry_run or not left:
            if not dry_run:
                await remove_entries(stack)
            return [*entries, *left] or None
    await require_no_supervisor(stack)
    with StackLock(stack.paths.lock, "scrub"):
        if not dry_run:
            await remove_entries(stack)  # first: the init system could start the stack again
            await end_abandoned(stack)
        async with open_orchestrator(stack, [display.show], display.show_progress) as orchestrator:
            found = await find_orphans(orchestrator)
            if not dry_run:
                await clean_up_after_crash(orchestrator)
                _require_none(await find_orphans(orchestrator))
    return [*dict.fromkeys([*entries, *left, *found])]


async def find_orphans(orchestrator: Orchestrator) -> Sequence[OrphanedResource]:
    """Return every process, resource of a component and file in the run folder that a clean-up would remove."""
    stack = orchestrator.stack
    found = [*_find_processes(stack)]
    for component in stack.components:
        for find in component.orphans:
            found += await find(NodeContext(orchestrator.resources, f"{component.name}.orphans"))
    return [*found, *_find_runtime_files(stack)]


def _find_processes(stack: Stack) -> Iterator[OrphanedResource]:
    for process in find_processes(ProcessOwner(stack.paths)):
        yield OrphanedResource("process", str(process.pid), describe_process(process))


def _find_runtime_files(stack: Stack) -> Iterator[OrphanedResource]:
    for path in sorted(stack.paths.run.iterdir()):
        if path != stack.paths.lock:
            kind = "folder" if path.is_dir() else "socket" if path.is_socket() else "file"
            yield OrphanedResource(kind, str(path), "left in the stack's folder of sockets, process ids and tokens")


def _require_none(orphans: Sequence[OrphanedResource]) -> None:
    if orphans:
        raise RunError("\n".join(f"{one.kind} {one.name} could not be removed" for one in orphans))
