"""Starts, stops and restarts services through the supervisor that holds them, and shows what happens."""

import sys

import anyio

from novaflow.adapters.control.client import Control
from novaflow.adapters.storage.journal import follow_journal, last_record, read_journal
from novaflow.adapters.terminal.progress import Progress
from novaflow.errors import RunError
from novaflow.plan.plan import ServiceCommand
from novaflow.runtime.stack import Stack


def handle(stack: Stack, command: ServiceCommand, name: str) -> None:
    """Do it to every service that is meant, and return when they are ready, or down.

    Raises: UsageError, if the name means none, or the stack is not up; RunError, with what failed and why.
    """
    stack.find_services(name)  # a wrong name is said before the stack is asked
    with Progress(sys.stdout) as progress:
        failures = anyio.run(_handle_and_show, stack, command, name, progress)
    if failures:
        raise RunError("\n".join(f"{command} of {service} failed: {why}" for service, why in failures.items()))


async def _handle_and_show(stack: Stack, command: ServiceCommand, name: str, progress: Progress) -> dict[str, str]:
    last = last_record(stack.paths.journal)
    seen = last.sequence if last else 0

    async def show() -> None:
        nonlocal seen
        async for record in follow_journal(stack.paths.journal, after=seen):
            seen = record.sequence
            progress.show(record)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(show)
        result = await Control(stack.paths.control).handle(command, name)
        tasks.cancel_scope.cancel()
    for record in read_journal(stack.paths.journal, after=seen):
        progress.show(record)
    return dict(result["failures"])
