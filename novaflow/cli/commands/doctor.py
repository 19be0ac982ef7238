"""`doctor`: whether this machine can do it, and what is missing."""

import json
import sys
from dataclasses import asdict

import click

from novaflow.adapters.terminal.tables import print_check_results
from novaflow.model.check import Severity
from novaflow.runtime.preflight import check_results
from novaflow.runtime.stack import Stack, stack_arguments


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@stack_arguments
def command(*, stack: Stack, as_json: bool) -> None:
    """Say whether this machine can do it, and what is missing; exit code 5 if it cannot, or should not.

    Example: novaflow doctor
    """
    found = tuple(check_results(stack))
    if as_json:
        click.echo(json.dumps([asdict(result) for result in found], indent=1))
    else:
        print_check_results(found, sys.stdout)
    sys.exit(5 if any(result.severity in {Severity.BAD, Severity.UNWISE} for result in found) else 0)
