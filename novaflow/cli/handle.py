"""Starts, stops and restarts services through the supervisor that holds them, and shows what happens."""

import sys

import anyio

from novaflow.adapters.control import Control
from novaflow.adapters.journal import follow_journal, last_recorded, read_journal
from novaflow.adapters.progress import Progress
from novaflow.cli.stack import Stack
from novaflow.errors import RunError
from novaflow.plan.plan import Verb


def handle(stack: Stack, verb: Verb, name: str) -> None:
    """Do it to every service that is meant, and return when they are ready, or down.

    Raises: UsageError, if the name means none, or the stack is not up; RunError, with what failed and why.
    """
    stack.find_services(name)  # a wrong name is said before the stack is asked
    with Progress(sys.stdout) as progress:
        failures = anyio.run(_handle_and_show, stack, verb, name, progress)
    if failures:
        raise RunError("\n".join(f"{verb} of {service} failed: {why}" for service, why in failures.items()))


async def _handle_and_show(stack: Stack, verb: Verb, name: str, progress: Progress) -> dict[str, str]:
    last = last_recorded(stack.paths.journal)
    seen = last.sequence if last else 0

    async def show() -> None:
        nonlocal seen
        async for recorded in follow_journal(stack.paths.journal, after=seen):
            seen = recorded.sequence
            progress.show(recorded)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(show)
        result = await Control(stack.paths.control).handle(verb, name)
        tasks.cancel_scope.cancel()
    for recorded in read_journal(stack.paths.journal, after=seen):
        progress.show(recorded)
    return dict(result["failures"])
