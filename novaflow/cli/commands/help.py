"""`help`: what a command does, with an example."""

import click

from novaflow.cli.main import complete_command, novaflow


@click.command("help")
@click.argument("name", metavar="[COMMAND]", required=False, shell_complete=lambda _, __, begun: complete_command(begun))
def command(name: str | None) -> None:
    """Show what COMMAND does, with an example; all commands without one.

    Example: novaflow help scrub
    """
    context = click.get_current_context().find_root()
    if name is not None:
        called, arguments, _ = novaflow.resolve_command(context, [name])
        context = click.Context(arguments or novaflow, info_name=called, parent=context)
    click.echo(context.get_help())
