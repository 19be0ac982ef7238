"""`config`: effective settings and where each came from."""

import json

import click

from novaflow.runtime.stack import Stack, stack_arguments
from novaflow.settings import Loaded
from novaflow.settings.texts import write_display_texts, write_masked_texts


@click.command("config")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: each setting's value and origin.")
@stack_arguments
def command(*, stack: Stack, as_json: bool) -> None:
    """Show effective settings and where each came from, secrets masked.

    Example: novaflow config --set USE_MYSQL=0
    """
    click.echo(describe_as_json(stack.loaded) if as_json else describe(stack.loaded))


def describe_as_json(loaded: Loaded) -> str:
    """Return an object by the settings' names; an empty value means that nothing was chosen."""
    texts = write_masked_texts(loaded.settings)
    return json.dumps({name: {"value": texts[name], "origin": loaded.origins[name]} for name in texts}, indent=1)


def describe(loaded: Loaded) -> str:
    """Return a line for each setting: name, value, origin; in parentheses what comes where nothing was chosen."""
    values = write_display_texts(loaded.settings)
    name_width, value_width = (max(map(len, words)) for words in (values.keys(), values.values()))
    return "\n".join(f"{name:<{name_width}}  {value:<{value_width}}  {loaded.origins[name]}" for name, value in values.items())
