"""Looks at the machine before anything is touched."""

import os
from collections.abc import Iterator

import click

from novaflow.adapters.process.probe import find_listener
from novaflow.errors import MachineUnfit, PortTaken, UsageError
from novaflow.model.check import CheckResult, Severity
from novaflow.model.service import Service
from novaflow.runtime.stack import Stack

LONGEST_SOCKET = 107  # bytes. Source: unix(7), sun_path less its final zero

force_option = click.option("--force", is_flag=True, help="Do it although `doctor` calls it unwise.")


def check_results(stack: Stack) -> Iterator[CheckResult]:
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
    refused = {Severity.BAD} if force else {Severity.BAD, Severity.UNWISE}
    missing = [result for result in check_results(stack) if result.severity in refused]
    if missing:
        raise MachineUnfit(tuple(missing))


def require_met(stack: Stack, workflow: str) -> None:
    """Return if what the workflow builds on is there.

    Raises: UsageError, saying what to do first.
    """
    if unmet := stack.workflow(workflow).unmet(stack.settings, stack.paths, stack.components):
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
