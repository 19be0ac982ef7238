"""Fetches the source tree that a stack runs from."""

from pathlib import Path

from novaflow.adapters.storage import StackLock
from novaflow.runtime.display import Display
from novaflow.runtime.foreground import run_in_foreground
from novaflow.runtime.preflight import require_machine, require_no_supervisor
from novaflow.runtime.stack import Stack


async def fetch_source(stack: Stack, source: str, display: Display, *, force: bool) -> None:
    """Fetch ``source`` into the stack's folder: an address, or a local folder, which is used in place; empty means the default repository.

    ``force`` replaces a source tree that is already there.

    Raises: UsageError, if the stack is up; MachineUnfit; StackBusy; WorkflowFailed, naming the failed nodes; Interrupted.
    """
    require_machine(stack, force=True)
    await require_no_supervisor(stack)
    with StackLock(stack.paths.lock, "branch"):
        await run_in_foreground(stack, ["branch"], display, {"source": _resolve(source), "force": "1" if force else ""})


def _resolve(source: str) -> str:
    return str(Path(source).absolute()) if source and Path(source).is_dir() else source
