"""Installs what a stack needs."""

from pathlib import Path

from novaflow.adapters.storage import StackLock
from novaflow.runtime.display import Display
from novaflow.runtime.foreground import run_in_foreground
from novaflow.runtime.preflight import require_machine
from novaflow.runtime.run_in_supervisor import run_in_supervisor
from novaflow.runtime.stack import Stack
from novaflow.runtime.status import is_ready, query_supervisor
from novaflow.settings import install_from

WORKFLOWS = ("install", "template")  # in this order, where the folder of workflows has them
BUNDLE = "bundle"


async def install_stack(stack: Stack, display: Display, *, bundle: Path | None) -> bool:
    """Install what is missing, unless the stack is ready; return whether the workflows ran.

    Raises: MachineUnfit; StackBusy; and what ``install`` raises.
    """
    if await is_ready(stack):
        return False
    require_machine(stack, force=True)  # what `doctor` warns about concerns running services
    with StackLock(stack.paths.lock, "install"):
        await install(stack, display, bundle)
    return True


async def install(stack: Stack, display: Display, bundle: Path | None) -> None:
    """Run the workflows that prepare the machine, from a file of ``write_bundle`` if there is one; the caller holds the stack's lock.

    Raises: WorkflowFailed, naming the failed nodes; Interrupted; and what ``install_from`` raises.
    """
    with install_from(bundle):
        await run_in_foreground(stack, [name for name in WORKFLOWS if name in stack.found.workflows], display)


async def write_bundle(stack: Stack, file: Path, display: Display) -> None:
    """Write everything that an installation downloads into a file, whose path is absolute.

    Raises: StackBusy; RunError, with each failed node; Interrupted.
    """
    arguments = {"file": str(file)}
    if await query_supervisor(stack):
        await run_in_supervisor(stack, BUNDLE, display, arguments)
        return
    with StackLock(stack.paths.lock, BUNDLE):
        await run_in_foreground(stack, [BUNDLE], display, arguments)
