"""`config`: shows the effective settings."""

import click

from novaflow.cli.arguments import stack_arguments
from novaflow.cli.output import print_json
from novaflow.runtime.settings_report import describe_settings, require_available, tabulate_settings
from novaflow.runtime.stack import Stack


@click.command("config")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: the value and the origin of each setting.")
@stack_arguments
def command(*, stack: Stack, as_json: bool) -> None:
    """Show the effective settings and where each one is set. Secrets are masked.

    Example: novaflow config --set USE_MYSQL=0
    """
    require_available(stack.loaded)
    if as_json:
        print_json(describe_settings(stack.loaded))
    else:
        click.echo(tabulate_settings(stack.loaded))
