"""`branch`: fetches the source tree that a stack runs from."""

from functools import partial

import click

from novaflow.cli.arguments import stack_arguments
from novaflow.cli.progress import run_with_progress
from novaflow.runtime.source_fetch import fetch_source
from novaflow.runtime.stack import Stack


@click.command("branch")
@click.argument("source", required=False, default="")
@click.option("--force", is_flag=True, help="Replace the existing source tree, unless it holds work that exists nowhere else.")
@stack_arguments
def command(*, stack: Stack, source: str, force: bool) -> None:
    """Fetch a source tree into DIR/source and make the stack run from it. The default SOURCE is Nova's own repository.

    SOURCE is a git address, optionally with #BRANCH-OR-TAG, a Bazaar address or lp:NAME, pypi:nova==VERSION, or a local
    checkout, which is used in place.

    Example: sudo novaflow branch https://opendev.org/openstack/nova#stable/2026.2
    """
    run_with_progress(partial(fetch_source, stack, source, force=force))
