"""`boot`: starts a stack at every boot of the machine, or no longer."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import anyio
import click

from novaflow.cli.arguments import stack_arguments
from novaflow.cli.output import print_json
from novaflow.runtime.boot import describe_boot, disable_boot, enable_boot
from novaflow.runtime.stack import Stack

DESCRIPTIONS = {
    "off": "{stack} does not start at boot",
    "on": "{stack} starts at boot: {kind} {path}",
    "disabled": "{stack} does not start at boot: {kind} {path} is disabled; `novaflow boot on` enables it, `novaflow boot off` removes it",
    "outdated": "{stack} starts at boot: {kind} {path}, which is out of date; `novaflow boot on` writes it again",
}


@click.command("boot")
@click.argument("action", type=click.Choice(["on", "off", "status"]))
@click.option("--json", "as_json", is_flag=True, help="With `status`: print one JSON object.")
@stack_arguments
def command(*, stack: Stack, action: str, as_json: bool) -> None:
    """Start the stack at every boot of the machine, with the same servers and volumes. `off` ends that.

    `on` writes a systemd unit or, without systemd, a script in /etc/init.d; `off` removes it. Neither starts or stops the stack
    now. `status` shows whether it starts at boot, and whether the unit or script is out of date.

    Example: sudo novaflow boot on
    """
    actions: Mapping[str, Callable[[Stack], None]] = {"on": _enable, "off": _disable, "status": partial(_show, as_json=as_json)}
    actions[action](stack)


def _enable(stack: Stack) -> None:
    enabled = anyio.run(enable_boot, stack)
    done = "starts" if enabled.is_changed else "already starts"
    click.echo(f"{stack.name} {done} at boot: {enabled.entry.kind} {enabled.entry.path}")
    click.echo(f"to start it now: {enabled.entry.start_command}")


def _disable(stack: Stack) -> None:
    removed = anyio.run(disable_boot, stack)
    for entry in removed:
        click.echo(f"{stack.name} no longer starts at boot: {entry.kind} {entry.path} was removed")
    if not removed:
        click.echo(f"{stack.name} does not start at boot; there is nothing to remove")


def _show(stack: Stack, *, as_json: bool) -> None:
    found: Mapping[str, Any] = anyio.run(describe_boot, stack)
    if as_json:
        print_json(found)
    else:
        click.echo(DESCRIPTIONS[found["state"]].format_map(found))
