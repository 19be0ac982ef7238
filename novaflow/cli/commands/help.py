"""`help`: shows the help of a command."""

import click

from novaflow.cli.main import complete_command, novaflow


@click.command("help")
@click.argument("name", metavar="[COMMAND]", required=False, shell_complete=lambda _, __, prefix: complete_command(prefix))
def command(name: str | None) -> None:
    """Show the help of COMMAND, with an example; without COMMAND, list all commands.

    Example: novaflow help scrub
    """
    context = click.get_current_context().find_root()
    if name is not None:
        resolved, subcommand, _ = novaflow.resolve_command(context, [name])
        context = click.Context(subcommand or novaflow, info_name=resolved, parent=context)
    click.echo(context.get_help())
