"""Stops a stack."""

import anyio

from novaflow.adapters.control.client import ControlClient
from novaflow.adapters.process import ProcessOwner, find_processes
from novaflow.adapters.storage import StackLock, is_locked
from novaflow.runtime.abandoned import end_abandoned
from novaflow.runtime.boot import cancel_restarts
from novaflow.runtime.cleanup import clean_up_after_crash
from novaflow.runtime.display import Display
from novaflow.runtime.orchestrator import open_orchestrator
from novaflow.runtime.show_events import show_events
from novaflow.runtime.stack import Stack
from novaflow.runtime.status import supervisor_unresponsive

POLL_S = 0.02  # between two checks whether the supervisor has released the lock
EXIT_WITHIN_S = 1  # for a process that holds the lock and does not listen: a supervisor that is about to exit


async def stop_stack(stack: Stack, display: Display) -> bool:
    """Stop everything the stack started, in reverse order; return whether there is a stack, or a process of one that was removed.

    Raises: StackBusy, if another command works on the stack; SupervisorUnresponsive; WorkflowFailed, if something cannot be
    removed; RunError, if that took too long, or naming each process that still runs.
    """
    was_abandoned = await end_abandoned(stack)
    if not (was_abandoned or stack.paths.run.exists() or find_processes(ProcessOwner(stack.paths))):
        return False
    if is_locked(stack.paths.lock):
        async with show_events(stack.paths.journal, display.show):
            await _stop_supervisor(stack)
    await cancel_restarts(stack)
    # Also after a supervisor stopped: it may have been killed before it was done.
    with StackLock(stack.paths.lock, "clean"):
        async with open_orchestrator(stack, [display.show], display.show_progress) as orchestrator:
            await clean_up_after_crash(orchestrator)
    return True


async def _stop_supervisor(stack: Stack) -> None:
    """Stop the supervisor; if the lock's holder is none, wait a moment for it to exit."""
    try:
        has_accepted = await ControlClient(stack.paths.control, stack.answer_within_s).request_stop()
    except TimeoutError as error:
        raise supervisor_unresponsive(stack) from error
    with anyio.move_on_after(None if has_accepted else EXIT_WITHIN_S):
        while is_locked(stack.paths.lock):  # noqa: ASYNC110 - another process holds it
            await anyio.sleep(POLL_S)
