"""A start with empty data, and what it deletes."""

from collections.abc import Sequence

from novaflow.events.record import EventRecord
from novaflow.events.types import StepChanged, StepState
from novaflow.runtime.cleanup import clean_up_after_crash
from novaflow.runtime.display import Display
from novaflow.runtime.foreground import run_in_foreground
from novaflow.runtime.orchestrator import open_orchestrator
from novaflow.runtime.stack import Stack
from novaflow.runtime.status import has_crashed

RESET = "reset"  # the workflow that deletes the data of the stack
INVENTORY = "inventory"  # the workflow that reads it; each of its steps called `count` returns a text such as "2 volumes"


async def end_crashed(stack: Stack, display: Display) -> None:
    """End everything that a crashed supervisor left; the caller holds the lock.

    Raises: WorkflowFailed, if something cannot be removed; RunError, if that took too long.
    """
    if has_crashed(stack):
        async with open_orchestrator(stack, [display.show], display.show_progress) as orchestrator:
            await clean_up_after_crash(orchestrator)


async def find_losses(stack: Stack, display: Display) -> Sequence[str]:
    """Return what a start with empty data deletes, such as ``2 volumes``; the caller holds the lock.

    Everything that a crashed supervisor left is ended first, because it uses the data.

    Raises: WorkflowFailed, if the data cannot be read; Interrupted; and what ``end_crashed`` raises.
    """
    inventory = stack.found.workflows.get(INVENTORY)
    if inventory is None or inventory.reason_done(stack.settings, stack.paths, stack.components):
        return ()
    await end_crashed(stack, display)
    counts = _Counts()
    await run_in_foreground(stack, [INVENTORY], counts)
    return counts.found


class _Counts:
    """Collects what the steps of the inventory return, and shows nothing."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def show(self, record: EventRecord) -> None:
        """Keep the result of a step that has counted something."""
        match record.event:
            case StepChanged(state=StepState.SUCCEEDED, name=name, reason=reason) if name.endswith(".count"):
                self.found.append(reason)
            case _:
                pass

    def show_progress(self, node: str, text: str, fraction: float | None) -> None:
        """Ignore the progress of a step."""
