"""`explain`: shows what a service or a step is, what it waits for, and how it failed last."""

import shutil
from dataclasses import asdict

import click

from novaflow.cli.arguments import shared_stack_arguments
from novaflow.cli.output import print_json
from novaflow.cli.shell_completion import complete_service
from novaflow.runtime.explanation import explain
from novaflow.runtime.stack import Stack


@click.command("explain")
@click.argument("name", shell_complete=complete_service)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@shared_stack_arguments
def command(*, stack: Stack, name: str, as_json: bool) -> None:
    """Show what a service, a step or a component's services are, what they wait for, and how they failed last.

    Example: sudo novaflow explain nova-compute
    """
    found = explain(stack, name)
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        width = shutil.get_terminal_size().columns
        click.echo("\n\n".join("\n".join(one.lines(width)) for one in found))
