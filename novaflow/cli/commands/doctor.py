"""`doctor`: checks the machine."""

import sys
from dataclasses import asdict

import click

from novaflow.adapters.terminal import print_check_results
from novaflow.cli.arguments import stack_arguments
from novaflow.cli.output import print_json
from novaflow.errors import MachineError
from novaflow.runtime.preflight import check_machine, find_obstacles
from novaflow.runtime.stack import Stack


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@stack_arguments
def command(*, stack: Stack, as_json: bool) -> None:
    """Check whether this machine meets the requirements, and show what is missing. The exit code is 5 if it does not.

    Example: novaflow doctor
    """
    results = tuple(check_machine(stack))
    if as_json:
        print_json([asdict(result) for result in results])
    else:
        print_check_results(results, sys.stdout)
    sys.exit(MachineError.exit_code if find_obstacles(results) else 0)
