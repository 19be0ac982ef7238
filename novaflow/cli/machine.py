"""Looks at the machine before anything is touched."""

import os
from collections.abc import Iterator

import click

from novaflow.adapters.probe import find_listener
from novaflow.cli.stack import Stack
from novaflow.errors import MachineUnfit, PortTaken, UsageError
from novaflow.model.component import Finding, Service, Verdict

LONGEST_SOCKET = 107  # bytes. Source: unix(7), sun_path less its final zero

force_option = click.option("--force", is_flag=True, help="Do it although `doctor` calls it unwise.")


def findings(stack: Stack) -> Iterator[Finding]:
    """Yield what every check of every component finds."""
    for component in stack.components:
        for check in component.checks:
            yield check(stack.settings, stack.paths)


def require_machine(stack: Stack, *, force: bool) -> None:
    """Return if what is wanted makes sense and this machine can do it; whoever changes anything asks this first.

    ``force`` lets pass what is merely unwise.

    Raises: WorkflowError, if the parts of any workflow do not fit together; UsageError, if the stack's folder lies too deep;
    MachineUnfit, with all that is missing.
    """
    for name in stack.found.workflows:
        stack.graph(name)
    if (length := len(os.fsencode(stack.paths.control))) > LONGEST_SOCKET:
        raise UsageError(f"{stack.paths.control} is too long a path for a socket: {length} bytes, where {LONGEST_SOCKET} are possible")
    refused = {Verdict.BAD} if force else {Verdict.BAD, Verdict.UNWISE}
    missing = [finding for finding in findings(stack) if finding.verdict in refused]
    if missing:
        raise MachineUnfit(tuple(missing))


def require_met(stack: Stack, workflow: str) -> None:
    """Return if what the workflow builds on is there.

    Raises: UsageError, saying what to do first.
    """
    if unmet := stack.workflow(workflow).unmet(stack.settings, stack.paths):
        raise UsageError(unmet)


def require_ports(stack: Stack, workflow: str) -> None:
    """Return if every port the workflow's services listen on is free.

    Raises: PortTaken, naming port, program and process id.
    """
    for node in stack.graph(workflow).nodes.values():
        if not isinstance(node.part, Service) or node.part.port is None:
            continue
        if owner := find_listener(node.part.port, stack.settings.host_ip):
            raise PortTaken(node.part.port, node.name, f"{owner.name()} (pid {owner.pid})")
