"""Ends what is left of a stack, whoever left it."""

import shutil

from novaflow.adapters.belongings import Owner, end_processes, find_processes
from novaflow.cli.conduct import Conductor
from novaflow.cli.stack import Stack
from novaflow.engine.engine import Outcome

GRACE_S = 3.0  # for processes a crashed supervisor left: they were asked by nobody before


async def sweep(conductor: Conductor) -> Outcome:
    """End every process of the stack that still runs, then undo what it did to the machine."""
    stack = conductor.stack
    await end_processes(find_processes(Owner(stack.paths)), grace_s=GRACE_S)
    outcome = await conductor.conduct("clean") if "clean" in stack.found.workflows else Outcome()
    if outcome:
        _empty_run_folder(stack)
    return outcome


def _empty_run_folder(stack: Stack) -> None:
    """Remove sockets, process ids and tokens: what they speak of is gone."""
    for path in stack.paths.run.iterdir():
        if path in {stack.paths.lock, stack.paths.control}:  # both are somebody's until he goes
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
