"""`branch`: the source tree that a stack runs from."""

import sys
from pathlib import Path

import anyio
import click

from novaflow.adapters.storage.lock import StackLock
from novaflow.adapters.terminal.progress import Progress
from novaflow.cli.commands.install import run_in_foreground
from novaflow.cli.commands.run import refuse_if_up
from novaflow.runtime.orchestrator import open_orchestrator
from novaflow.runtime.preflight import require_machine
from novaflow.runtime.stack import Stack, stack_arguments


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


async def _branch(stack: Stack, progress: Progress, arguments: dict[str, str]) -> None:
    async with open_orchestrator(stack, [progress.show], progress.note, arguments=arguments) as orchestrator:
        await run_in_foreground(orchestrator, "branch")
