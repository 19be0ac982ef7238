"""`branch`: the source tree that a stack runs from."""

import sys
from pathlib import Path

import anyio
import click

from novaflow.adapters.lock import StackLock
from novaflow.adapters.progress import Progress
from novaflow.cli.conduct import conducting
from novaflow.cli.install import conduct_in_foreground
from novaflow.cli.machine import require_machine
from novaflow.cli.run import refuse_if_up
from novaflow.cli.stack import Stack, stack_arguments


@click.command("branch")
@click.argument("source", required=False, default="")
@click.option("--force", is_flag=True, help="Replace the tree that is there, unless it holds what is nowhere else.")
@stack_arguments
def command(*, stack: Stack, source: str, force: bool) -> None:
    """Fetch a source tree into DIR/source, and have the stack run from it; from Nova's own repository, if no SOURCE is named.

    SOURCE is a git address, with #BRANCH-OR-TAG if wanted, a Bazaar address or lp:NAME, pypi:nova==VERSION, or a checkout of
    yours, which is used where it is.

    Example: sudo novaflow branch https://opendev.org/openstack/nova#stable/2026.2
    """
    require_machine(stack, force=True)
    refuse_if_up(stack)
    lock = StackLock(stack.paths.lock, "branch")
    place = str(Path(source).absolute()) if Path(source).is_dir() and source else source
    with Progress(sys.stdout) as progress:
        anyio.run(_branch, stack, progress, {"source": place, "force": "1" if force else ""})
    lock.release()


async def _branch(stack: Stack, progress: Progress, asked: dict[str, str]) -> None:
    async with conducting(stack, [progress.show], progress.note, asked=asked) as conductor:
        await conduct_in_foreground(conductor, "branch")
