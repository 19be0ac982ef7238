"""`doctor`: checks the machine."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from novaflow.adapters.terminal import print_check_results
from novaflow.cli.arguments import stack_arguments
from novaflow.cli.output import print_json, write_file
from novaflow.errors import MachineError
from novaflow.runtime.machine_report import describe_machine
from novaflow.runtime.preflight import check_machine, find_obstacles
from novaflow.runtime.stack import Stack


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@click.option(
    "--report",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what this machine is and how the workflows of DIR ended on it into FILE, without secrets.",
)
@stack_arguments
def command(*, stack: Stack, as_json: bool, report: Path | None) -> None:
    """Check whether this machine meets the requirements, and show what is missing. The exit code is 5 if it does not.

    Example: novaflow doctor
    """
    results = tuple(check_machine(stack))
    if report:
        write_file(report, json.dumps(describe_machine(stack, results), indent=1) + "\n")
    if as_json:
        print_json([asdict(result) for result in results])
    else:
        print_check_results(results, sys.stdout)
    sys.exit(MachineError.exit_code if find_obstacles(results) else 0)
