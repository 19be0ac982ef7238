"""`clean`: stops everything the stack started."""

import sys

import anyio
import click

from novaflow.adapters.control.client import Control
from novaflow.adapters.storage.journal import follow_journal, last_record
from novaflow.adapters.storage.lock import StackLock, is_locked
from novaflow.adapters.terminal.progress import Progress
from novaflow.errors import StackBusy
from novaflow.runtime.cleanup import clean_up_crashed
from novaflow.runtime.orchestrator import open_orchestrator
from novaflow.runtime.stack import Stack, stack_arguments

LOOK_S = 0.02  # between two looks at whether the supervisor has gone


@click.command("clean")
@stack_arguments
def command(stack: Stack) -> None:
    """Stop everything the stack started, in reverse order; nothing of it is left running.

    Example: sudo novaflow clean
    """
    if not stack.paths.run.exists():
        click.echo(f"there is no stack in {stack.paths.root}")
        return
    with Progress(sys.stdout) as progress:
        anyio.run(_clean, stack, progress)


async def _clean(stack: Stack, progress: Progress) -> None:
    if is_locked(stack.paths.lock):
        await _ask_supervisor(stack, progress)
    # Also after a supervisor: one that was killed on its way leaves work.
    lock = StackLock(stack.paths.lock, "clean")
    async with open_orchestrator(stack, [progress.show], progress.note) as orchestrator:
        await clean_up_crashed(orchestrator)
    lock.release()


async def _ask_supervisor(stack: Stack, progress: Progress) -> None:
    last = last_record(stack.paths.journal)
    if not await Control(stack.paths.control).stop():
        # Somebody holds the lock and does not listen: an install, or a supervisor that is about to go.
        with anyio.move_on_after(1):
            await _wait_gone(stack)
            return
        StackLock(stack.paths.lock, "clean")
        raise StackBusy
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_show_events, stack, progress, last.sequence if last else 0)
        await _wait_gone(stack)
        tasks.cancel_scope.cancel()


async def _show_events(stack: Stack, progress: Progress, after: int) -> None:
    async for record in follow_journal(stack.paths.journal, after=after):
        progress.show(record)


async def _wait_gone(stack: Stack) -> None:
    while is_locked(stack.paths.lock):  # noqa: ASYNC110 - another process holds it
        await anyio.sleep(LOOK_S)
