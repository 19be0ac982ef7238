"""Looks at the machine before anything is touched."""

from collections.abc import Iterator

from novaflow.adapters.probe import find_listener
from novaflow.cli.stack import Stack
from novaflow.errors import MachineUnfit, PortTaken, UsageError
from novaflow.model.component import Finding, Service, Verdict


def findings(stack: Stack) -> Iterator[Finding]:
    """Yield what every check of every component finds."""
    for component in stack.components:
        for check in component.checks:
            yield check(stack.settings, stack.paths)


def require_machine(stack: Stack) -> None:
    """Return if this machine can do it.

    Raises: MachineUnfit, with all that is missing.
    """
    missing = [finding for finding in findings(stack) if finding.verdict is Verdict.BAD]
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
