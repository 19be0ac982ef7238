"""Ends what is left of a stack, whoever left it."""

from novaflow.adapters.belongings import Owner, end_processes, find_processes
from novaflow.cli.conduct import Conductor
from novaflow.engine.engine import Outcome

GRACE_S = 3.0  # for processes a crashed supervisor left: they were asked by nobody before


async def sweep(conductor: Conductor) -> Outcome:
    """End every process of the stack that still runs, then undo what it did to the machine."""
    stack = conductor.stack
    await end_processes(find_processes(Owner(stack.paths)), grace_s=GRACE_S)
    if "clean" not in stack.found.workflows:
        return Outcome()
    return await conductor.conduct("clean")
