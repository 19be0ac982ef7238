"""A supervisor whose stack's folder was removed: it has no socket that a command could use, and no file names it."""

from collections.abc import Iterator

from novaflow.adapters.process import describe_process, end_processes, find_users_of_removed
from novaflow.errors import RunError
from novaflow.model.orphan import OrphanedResource
from novaflow.runtime.stack import Stack

STOP_WITHIN_S = 60.0  # for the supervisor to stop all services in order; then it is killed, and they are ended without it


def find_abandoned(stack: Stack) -> Iterator[OrphanedResource]:
    """Yield every process that holds a lock of the stack which was removed with its folder."""
    for process in find_users_of_removed(stack.paths.lock):
        yield OrphanedResource("process", str(process.pid), describe_process(process))


async def end_abandoned(stack: Stack) -> bool:
    """End every process that ``find_abandoned`` yields; return whether there was one.

    Raises: RunError, naming each process that the kernel does not end.
    """
    found = find_users_of_removed(stack.paths.lock)
    await end_processes(found, grace_s=STOP_WITHIN_S)
    if left := [*find_abandoned(stack)]:
        raise RunError("\n".join(f"process {one.name} still runs: {one.reason}" for one in left))
    return bool(found)
