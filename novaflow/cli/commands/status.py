"""`status`: shows the state of all services."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from novaflow.cli.location import location_arguments
from novaflow.cli.output import print_json
from novaflow.events.types import StackState
from novaflow.runtime.running_status import fetch_running_status

EXIT_CODES = {
    StackState.READY: 0,
    StackState.DEGRADED: 3,
    StackState.FAILED: 3,
    StackState.STARTING: 4,
    StackState.STOPPING: 6,
    StackState.STOPPED: 6,
}


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@location_arguments
def command(*, folder: Path, overrides: Mapping[str, str], as_json: bool) -> None:
    """Show the state of all services.

    The exit code is 0 if the stack is ready, 3 if it is degraded or failed, 4 if it is starting, 6 if it is stopping or stopped.

    Example: sudo novaflow status --json
    """
    status = fetch_running_status(folder) or _query_status(folder, overrides)
    if as_json:
        print_json(status)
    else:
        _print_table(status)
    sys.exit(EXIT_CODES[status["state"]])


def _query_status(folder: Path, overrides: Mapping[str, str]) -> Mapping[str, Any]:
    import anyio  # noqa: PLC0415 - the answer of a running stack takes less time than each of these imports

    from novaflow.cli.arguments import open_and_warn  # noqa: PLC0415 - loads settings and components
    from novaflow.runtime.status import query_status  # noqa: PLC0415 - the same

    return anyio.run(query_status, open_and_warn(folder, overrides, for_group=True))


def _print_table(status: Mapping[str, Any]) -> None:
    from novaflow.adapters.terminal import print_status  # noqa: PLC0415 - loads rich, which JSON does not need

    print_status(status, sys.stdout)
