"""`scrub`: removes what a crashed stack left on the machine, and says what that was."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

import anyio
import click

from novaflow.adapters.storage.lock import StackLock
from novaflow.adapters.terminal.progress import Progress
from novaflow.adapters.terminal.tables import print_orphans
from novaflow.cli.commands.run import refuse_if_up
from novaflow.errors import RunError
from novaflow.model.orphan import OrphanedResource
from novaflow.runtime.cleanup import clean_up_crashed, find_orphans
from novaflow.runtime.orchestrator import open_orchestrator
from novaflow.runtime.stack import Stack, stack_arguments


@click.command("scrub")
@click.option("--dry-run", is_flag=True, help="Only show what would be removed, and why.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array: kind, name and what marks it as the stack's.")
@stack_arguments
def command(*, stack: Stack, dry_run: bool, as_json: bool) -> None:
    """Remove what a stack left on the machine, also one that crashed; `clean` is for a stack that is up.

    Processes, namespaces, links, rules, mounts, loop devices, servers' definitions, sockets: what is marked as this
    stack's, and nothing else.

    Example: sudo novaflow scrub --dry-run
    """
    if not stack.paths.root.exists():
        click.echo("[]" if as_json else f"there is no stack in {stack.paths.root}")
        return
    refuse_if_up(stack)
    lock = StackLock(stack.paths.lock, "scrub")
    # What programs read is on standard output; what goes on beside it goes elsewhere.
    with Progress(sys.stderr if as_json else sys.stdout) as progress:
        found = anyio.run(_look if dry_run else _scrub, stack, progress)
    lock.release()
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=1))
    else:
        print_orphans(found, sys.stdout)
        click.echo(f"{len(found)} {'would be' if dry_run else 'were'} removed" if found else "nothing is left of it")


async def _look(stack: Stack, progress: Progress) -> Sequence[OrphanedResource]:
    async with open_orchestrator(stack, [progress.show], progress.note) as orchestrator:
        return await find_orphans(orchestrator)


async def _scrub(stack: Stack, progress: Progress) -> Sequence[OrphanedResource]:
    """Remove all there is and return what it was.

    Raises: WorkflowFailed; RunError, naming what is still there.
    """
    async with open_orchestrator(stack, [progress.show], progress.note) as orchestrator:
        found = await find_orphans(orchestrator)
        await clean_up_crashed(orchestrator)
        if left := await find_orphans(orchestrator):
            raise RunError("\n".join(f"{one.kind} {one.name} is still there" for one in left))
    return found
