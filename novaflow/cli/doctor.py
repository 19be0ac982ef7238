"""`doctor`: whether this machine can do it, and what is missing."""

import json
import sys
from dataclasses import asdict

import click

from novaflow.adapters.tables import print_findings
from novaflow.cli.machine import findings
from novaflow.cli.stack import Stack, stack_arguments
from novaflow.model.component import Verdict


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@stack_arguments
def command(*, stack: Stack, as_json: bool) -> None:
    """Say whether this machine can do it, and what is missing; exit code 5 if it cannot, or should not.

    Example: novaflow doctor
    """
    found = tuple(findings(stack))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found], indent=1))
    else:
        print_findings(found, sys.stdout)
    sys.exit(5 if any(finding.verdict in {Verdict.BAD, Verdict.UNWISE} for finding in found) else 0)
