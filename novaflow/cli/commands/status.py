"""`status`: what runs and how it is."""

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import anyio
import click

from novaflow.adapters.control.client import Control
from novaflow.adapters.storage.journal import last_record, read_journal
from novaflow.adapters.storage.lock import is_locked
from novaflow.adapters.storage.publish_status import read_publish_status
from novaflow.adapters.terminal.tables import print_status
from novaflow.events.types import StackState
from novaflow.model.status import StackStatus
from novaflow.runtime.stack import Stack, stack_arguments
from novaflow.runtime.status_report import EXIT_CODES, cursor_of, describe_status

LOOK_BACK = 5000  # events; a run tells about 200
LIVING = {StackState.STARTING, StackState.READY, StackState.DEGRADED, StackState.STOPPING}
GONE = "its supervisor is gone without a word; `novaflow clean` ends what is left"


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@stack_arguments
def command(*, stack: Stack, as_json: bool) -> None:
    """Show what runs and how it is; exit code 0 ready, 3 degraded or failed, 4 starting, 5 stopped.

    Example: novaflow status --json
    """
    status = ask_supervisor(stack) or _describe_unsupervised(stack)
    if as_json:
        click.echo(json.dumps(status, indent=1))
    else:
        print_status(status, sys.stdout)
    sys.exit(EXIT_CODES[StackState(status["state"])])


def ask_supervisor(stack: Stack) -> Mapping[str, Any] | None:
    """Return what the stack's supervisor says; ``None`` if there is none."""
    return anyio.run(Control(stack.paths.control).status) if is_locked(stack.paths.lock) else None


def is_up(stack: Stack) -> bool:
    """Return whether the stack is ready."""
    status = ask_supervisor(stack)
    return status is not None and status["state"] == StackState.READY


def read_status(stack: Stack) -> StackStatus:
    """Return the stack's status as its journal tells it."""
    last = last_record(stack.paths.journal)
    # The latest run is at the end; only where it told more than that, all of the journal is read.
    status = _fold(stack, max(0, (last.sequence if last else 0) - LOOK_BACK))
    return status if status.run_id else _fold(stack, 0)


def _fold(stack: Stack, after: int) -> StackStatus:
    status = StackStatus(stack.name)
    for record in read_journal(stack.paths.journal, after=after):
        status = status.apply(record)
    return status


def _describe_unsupervised(stack: Stack) -> Mapping[str, Any]:
    status = read_status(stack)
    if status.state in LIVING:
        status = replace(status, state=StackState.FAILED, reason=GONE)
    return describe_status(status, {}, read_publish_status(stack.paths.journal, cursor_of(stack.paths)), {})
