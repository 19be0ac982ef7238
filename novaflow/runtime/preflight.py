"""Checks before anything on the machine is changed."""

import os
from collections.abc import Iterable, Iterator

from novaflow.adapters.process import find_listener
from novaflow.adapters.storage import require_space
from novaflow.errors import MachineUnfit, PortTaken, UsageError
from novaflow.events.types import StackState
from novaflow.model.check import CheckResult, Severity
from novaflow.model.service import Service
from novaflow.runtime.settings_report import require_available
from novaflow.runtime.stack import Stack
from novaflow.runtime.status import query_supervisor
from novaflow.settings import CoreSettings

LONGEST_SOCKET = 107  # bytes. Source: unix(7), sun_path less its final zero


def check_machine(stack: Stack) -> Iterator[CheckResult]:
    """Yield the result of every check of every component."""
    for component in stack.components:
        for check in component.checks:
            yield check(stack.settings, stack.paths)


def find_obstacles(results: Iterable[CheckResult], *, force: bool = False) -> tuple[CheckResult, ...]:
    """Return the results that forbid running the stack; with ``force`` only those that make it impossible."""
    obstacles = {Severity.BAD} if force else {Severity.BAD, Severity.UNWISE}
    return tuple(result for result in results if result.severity in obstacles)


def require_machine(stack: Stack, *, force: bool) -> None:
    """Return if the workflows are valid and this machine meets the requirements; ``force`` ignores warnings.

    Raises: WorkflowError, if the parts of any workflow do not fit together; SettingsInvalid, if NOVAFLOW_GROUP cannot have access;
    UsageError, if the path of the stack's folder is too long; MachineUnfit, with every obstacle; MachineError, if the stack's
    folder cannot be written.
    """
    for name in stack.found.workflows:
        stack.graph(name)
    require_available(stack.loaded, CoreSettings)
    if (length := len(os.fsencode(stack.paths.control))) > LONGEST_SOCKET:
        limit = f"the path of the socket {stack.paths.control} has {length} bytes; the limit is {LONGEST_SOCKET}"
        raise UsageError(f"{limit}; choose a DIR with a shorter path")
    if obstacles := find_obstacles(check_machine(stack), force=force):
        raise MachineUnfit(obstacles)
    if stack.paths.root.exists():
        require_space(stack.paths.root)


def require_met(stack: Stack, workflow: str) -> None:
    """Return if the preconditions of the workflow are met.

    Raises: UsageError, with the command to run first.
    """
    if reason := stack.workflow(workflow).reason_not_ready(stack.settings, stack.paths, stack.components):
        raise UsageError(reason)


def require_usable(stack: Stack, *, fresh: bool) -> None:
    """Return if the data of earlier runs can be used, or if it is to be deleted because the start is ``fresh``.

    Raises: UsageError, with the reason and what to do.
    """
    reason = None if fresh else stack.workflow("run").reason_unusable(stack.settings, stack.paths, stack.components)
    if reason:
        raise UsageError(reason)


async def require_no_supervisor(stack: Stack) -> None:
    """Return if no supervisor runs the stack.

    Raises: UsageError, with the stack's state and what to do.
    """
    if status := await query_supervisor(stack):
        wait = "wait until it is ready, which `novaflow status` shows; " if status["state"] == StackState.STARTING else ""
        raise UsageError(f"{stack.name} is {status['state']} since {status['since']}; {wait}`novaflow clean` stops it")


def require_ports(stack: Stack, workflow: str) -> None:
    """Return if every port that the workflow's services listen on is free.

    Raises: PortTaken, naming port, program and process id.
    """
    for node in stack.graph(workflow).nodes.values():
        if not isinstance(node.part, Service) or node.part.port is None:
            continue
        for address in {stack.settings.local_ip, stack.settings.host_ip}:
            if owner := find_listener(node.part.port, address):
                raise PortTaken(node.part.port, node.name, f"{owner.name()} (pid {owner.pid})")
