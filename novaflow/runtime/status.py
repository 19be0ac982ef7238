"""The status of a stack, from its supervisor or, without one, from its journal."""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from novaflow.adapters.control.client import ControlClient
from novaflow.adapters.storage import is_locked, last_record, read_journal, read_publish_status
from novaflow.errors import SupervisorUnresponsive
from novaflow.events.types import StackState
from novaflow.model.status import StackStatus
from novaflow.runtime.stack import Stack
from novaflow.runtime.status_report import describe_status

LOOK_BACK = 5000  # events; a run publishes about 200
SUPERVISED = {StackState.STARTING, StackState.READY, StackState.DEGRADED, StackState.STOPPING}  # only while a supervisor runs
_SUPERVISOR = re.compile(r"`novaflow run`, pid (\d+)")


async def query_status(stack: Stack) -> Mapping[str, Any]:
    """Return the object that `status --json` prints; a stack whose supervisor does not answer has failed.

    Raises: PermissionError, if this user may not see the stack.
    """
    try:
        return await query_supervisor(stack) or _describe_unsupervised(stack)
    except SupervisorUnresponsive as error:
        return _describe(stack, replace(read_status(stack), state=StackState.FAILED, reason=str(error)))


async def query_supervisor(stack: Stack) -> Mapping[str, Any] | None:
    """Return the status that the stack's supervisor reports; ``None`` if no supervisor runs.

    Raises: SupervisorUnresponsive, if one runs that does not answer; PermissionError, if this user may not connect to it.
    """
    if not _may_run(stack):
        return None
    try:
        return await ControlClient(stack.paths.control, stack.answer_within_s).fetch_status()
    except TimeoutError as error:
        raise supervisor_unresponsive(stack) from error


def _may_run(stack: Stack) -> bool:
    """Return whether a supervisor may run: members of NOVAFLOW_GROUP cannot read its lock, and ask it."""
    try:
        return is_locked(stack.paths.lock)
    except PermissionError:
        if not os.access(stack.paths.run, os.X_OK):
            raise
        return True


def supervisor_unresponsive(stack: Stack) -> SupervisorUnresponsive:
    """Return the error for a supervisor that does not answer."""
    return SupervisorUnresponsive(_find_supervisor(stack), stack.paths.control, stack.answer_within_s)


async def is_ready(stack: Stack) -> bool:
    """Return whether the stack is ready."""
    status = await query_supervisor(stack)
    return status is not None and status["state"] == StackState.READY


def has_crashed(stack: Stack) -> bool:
    """Return whether the stack's journal ends without a stop; the caller knows that no supervisor runs."""
    return read_status(stack).state in SUPERVISED


def read_status(stack: Stack) -> StackStatus:
    """Return the status computed from the stack's journal."""
    last = last_record(stack.paths.journal)
    # The latest run is at the end; the whole journal is read only if that run has more events than this.
    status = _fold(stack, max(0, (last.sequence if last else 0) - LOOK_BACK))
    return status if status.run_id else _fold(stack, 0)


def _fold(stack: Stack, after: int) -> StackStatus:
    status = StackStatus(stack.name)
    for record in read_journal(stack.paths.journal, after=after):
        status = status.apply(record)
    return status


def _describe_unsupervised(stack: Stack) -> Mapping[str, Any]:
    status = read_status(stack)
    if not stack.paths.root.exists():
        status = replace(status, reason=f"there is no stack in {stack.paths.root}: the folder does not exist")
    elif status.state in SUPERVISED:
        pid = _find_supervisor(stack)
        supervisor = "the supervisor" if pid is None else f"the supervisor (pid {pid})"
        reason = f"{supervisor} has crashed; adopt its services with `novaflow up`, or stop them with `novaflow clean`"
        status = replace(status, state=StackState.FAILED, reason=reason)
    return _describe(stack, status)


def _describe(stack: Stack, status: StackStatus) -> Mapping[str, Any]:
    return describe_status(status, {}, read_publish_status(stack.paths.journal, stack.publish_cursor), {})


def _find_supervisor(stack: Stack) -> int | None:
    """Return the pid of the last supervisor; ``None`` if another command has written the lock file since, or if it is unreadable."""
    try:
        signature = stack.paths.lock.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, PermissionError):
        signature = ""
    found = _SUPERVISOR.match(signature)
    return int(found[1]) if found else None
