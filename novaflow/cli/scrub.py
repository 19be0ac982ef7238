"""`scrub`: removes what a crashed stack left on the machine, and says what that was."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

import anyio
import click

from novaflow.adapters.lock import StackLock
from novaflow.adapters.progress import Progress
from novaflow.adapters.tables import print_leftovers
from novaflow.cli.conduct import conducting
from novaflow.cli.run import refuse_if_up
from novaflow.cli.stack import Stack, stack_arguments
from novaflow.cli.sweep import find_leftovers, sweep_crashed
from novaflow.errors import RunError
from novaflow.model.component import Leftover


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
        print_leftovers(found, sys.stdout)
        click.echo(f"{len(found)} {'would be' if dry_run else 'were'} removed" if found else "nothing is left of it")


async def _look(stack: Stack, progress: Progress) -> Sequence[Leftover]:
    async with conducting(stack, [progress.show], progress.note) as conductor:
        return await find_leftovers(conductor)


async def _scrub(stack: Stack, progress: Progress) -> Sequence[Leftover]:
    """Remove all there is and return what it was.

    Raises: WorkflowFailed; RunError, naming what is still there.
    """
    async with conducting(stack, [progress.show], progress.note) as conductor:
        found = await find_leftovers(conductor)
        await sweep_crashed(conductor)
        if left := await find_leftovers(conductor):
            raise RunError("\n".join(f"{one.kind} {one.name} is still there" for one in left))
    return found
