"""`status`: what runs and how it is."""

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import anyio
import click

from novaflow.adapters.control import Control
from novaflow.adapters.journal import read_journal
from novaflow.adapters.lock import is_locked
from novaflow.adapters.tables import print_status
from novaflow.cli.report import EXIT_CODES, describe_status
from novaflow.cli.stack import Stack, stack_arguments
from novaflow.cli.supervise import open_publisher
from novaflow.model.event import StackState
from novaflow.model.status import StackStatus

LIVING = {StackState.STARTING, StackState.READY, StackState.DEGRADED, StackState.STOPPING}


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@stack_arguments
def command(stack: Stack, as_json: bool) -> None:
    """Show what runs and how it is; exit code 0 ready, 3 degraded or failed, 4 starting, 5 stopped.

    Example: novaflow status --json
    """
    status = ask_supervisor(stack) or _read_status(stack)
    if as_json:
        click.echo(json.dumps(status, indent=1))
    else:
        print_status(status, sys.stdout)
    sys.exit(EXIT_CODES[StackState(status["state"])])


def ask_supervisor(stack: Stack) -> Mapping[str, Any] | None:
    """Return what the stack's supervisor says; ``None`` if there is none."""
    return anyio.run(Control(stack.paths.control).status) if is_locked(stack.paths.lock) else None


def _read_status(stack: Stack) -> Mapping[str, Any]:
    status = StackStatus(stack.name)
    for recorded in read_journal(stack.paths.journal):
        status = status.fed(recorded)
    if status.state in LIVING:
        status = replace(status, state=StackState.FAILED, because="its supervisor is gone without a word; `novaflow clean` ends what is left")
    return describe_status(status, {}, open_publisher(stack).standing)
