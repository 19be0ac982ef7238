"""`scrub`: removes what a crashed stack left on the machine."""

import sys
from dataclasses import asdict
from functools import partial

import click

from novaflow.adapters.terminal import print_orphans
from novaflow.cli.arguments import stack_arguments
from novaflow.cli.output import print_json
from novaflow.cli.progress import run_with_progress
from novaflow.runtime.scrub import scrub
from novaflow.runtime.stack import Stack


@click.command("scrub")
@click.option("--dry-run", is_flag=True, help="Only show what would be removed, and why.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON array: the kind and name of each resource, and why it is the stack's."
)
@stack_arguments
def command(*, stack: Stack, dry_run: bool, as_json: bool) -> None:
    """Remove what a crashed stack left on the machine. To stop a stack that is up, use `clean`.

    Only resources that are marked as this stack's are removed: processes, network namespaces, network devices, firewall rules,
    mounts, loop devices, libvirt domains and sockets; also the unit or script that `boot on` wrote.

    Example: sudo novaflow scrub --dry-run
    """
    # With --json, standard output holds nothing else.
    orphans = run_with_progress(partial(scrub, stack, dry_run=dry_run), sys.stderr if as_json else sys.stdout)
    if as_json:
        print_json([asdict(orphan) for orphan in orphans or ()])
    elif orphans is None:
        click.echo(f"there is no stack in {stack.paths.root}")
    else:
        print_orphans(orphans, sys.stdout)
        click.echo(f"{len(orphans)} {'would be' if dry_run else 'were'} removed" if orphans else "nothing to remove")
