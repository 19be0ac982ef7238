"""Installs what a stack needs."""

from novaflow.adapters.storage import StackLock
from novaflow.runtime.display import Display
from novaflow.runtime.foreground import run_in_foreground
from novaflow.runtime.preflight import require_machine
from novaflow.runtime.stack import Stack
from novaflow.runtime.status import is_ready

WORKFLOWS = ("install", "template")  # in this order, where the folder of workflows has them


async def install_stack(stack: Stack, display: Display) -> bool:
    """Install what is missing, unless the stack is ready; return whether the workflows ran.

    Raises: MachineUnfit; StackBusy; WorkflowFailed, naming the failed nodes; Interrupted.
    """
    if await is_ready(stack):
        return False
    require_machine(stack, force=True)  # what `doctor` warns about concerns running services
    with StackLock(stack.paths.lock, "install"):
        await install(stack, display)
    return True


async def install(stack: Stack, display: Display) -> None:
    """Run the workflows that prepare the machine; the caller holds the stack's lock.

    Raises: WorkflowFailed, naming the failed nodes; Interrupted.
    """
    await run_in_foreground(stack, [name for name in WORKFLOWS if name in stack.found.workflows], display)
