"""`config`: shows the effective settings, or the configuration files of a service."""

import click

from novaflow.cli.arguments import stack_arguments
from novaflow.cli.output import print_json
from novaflow.runtime.config_files import read_config_files
from novaflow.runtime.settings_report import describe_settings, require_available, tabulate_settings
from novaflow.runtime.stack import Stack


@click.command("config")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object: the value and the origin of each setting, or each file's text."
)
@click.option("--service", metavar="NAME", help="Show the configuration files that a service reads instead, for example of nova.")
@stack_arguments
def command(*, stack: Stack, as_json: bool, service: str | None) -> None:
    """Show the effective settings and where each one is set. Secrets are masked.

    Example: novaflow config --set USE_MYSQL=0
    """
    require_available(stack.loaded)
    if service:
        files = read_config_files(stack, service)
        if as_json:
            print_json(files)
        else:
            click.echo("\n".join(f"# {path}\n{text}" for path, text in files.items()), nl=False)
    elif as_json:
        print_json(describe_settings(stack.loaded))
    else:
        click.echo(tabulate_settings(stack.loaded))
