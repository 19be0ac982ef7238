"""Prepares a stack for its start: checks, installation, clean-up after a crash, tests of the source tree."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio

from novaflow.adapters.storage import StackLock
from novaflow.errors import NodesFailed, NotReady, RunError, UsageError
from novaflow.events.types import ServiceState, StackState
from novaflow.runtime.display import Display
from novaflow.runtime.foreground import run_in_foreground
from novaflow.runtime.fresh_start import RESET, end_crashed
from novaflow.runtime.installer import install
from novaflow.runtime.launcher import RunOptions
from novaflow.runtime.preflight import require_machine, require_met, require_no_supervisor, require_ports, require_usable
from novaflow.runtime.resume import count_adoptable
from novaflow.runtime.service_control import ServiceCommand, control_services
from novaflow.runtime.show_events import show_events
from novaflow.runtime.stack import Stack
from novaflow.runtime.status import is_ready, query_supervisor

POLL_S = 0.1


async def lock_for_run(stack: Stack, *, force: bool) -> StackLock:
    """Return the lock of a stack that can be run on this machine; ``force`` ignores warnings of `doctor`.

    Raises: WorkflowError; MachineUnfit; UsageError, if the stack is up; StackBusy.
    """
    return await _lock(stack, "run", force=force)


async def lock_for_up(stack: Stack, *, force: bool, fresh: bool) -> StackLock | None:
    """Return the lock as ``lock_for_run`` does; ``None`` if the stack is ready and need not be ``fresh``."""
    return None if not fresh and await is_ready(stack) else await _lock(stack, "up", force=force)


async def _lock(stack: Stack, command: str, *, force: bool) -> StackLock:
    require_machine(stack, force=force)
    await require_no_supervisor(stack)
    return StackLock(stack.paths.lock, command)


async def repair(stack: Stack, display: Display, *, timeout_s: float | None) -> bool:
    """Make a degraded stack ready: start the services that are down, and wait for those that are restarted; return whether it was one.

    Raises: NodesFailed, with each service that failed; NotReady, when the time limit is over.
    """
    status = await query_supervisor(stack)
    if status is None or status["state"] != StackState.DEGRADED:
        return False
    with anyio.move_on_after(timeout_s):
        await _start_down(stack, status, display)
        async with show_events(stack.paths.journal, display.show):
            await _wait_ready(stack)
        return True
    raise NotReady(stack.name, timeout_s or 0, "it is still degraded; `novaflow status` shows why")


async def _start_down(stack: Stack, status: Mapping[str, Any], display: Display) -> None:
    down = [service["name"] for service in status["services"] if service["state"] in {ServiceState.FAILED, ServiceState.STOPPED}]
    errors: list[str] = []
    failed: list[str] = []
    for name in stack.graph("run").order:
        if name in down:
            try:
                await control_services(stack, ServiceCommand.START, name, display)
            except (RunError, UsageError) as error:  # a service that needs one that failed cannot be started
                errors.append(error.describe())
                failed.extend(error.nodes)
    if errors:
        raise NodesFailed("\n".join(errors), failed)


async def _wait_ready(stack: Stack) -> None:
    while (status := await query_supervisor(stack)) is None or status["state"] != StackState.READY:
        if status is None or status["state"] != StackState.DEGRADED:
            raise RunError(f"{stack.name} was stopped; `novaflow status` shows why")
        if failed := {one["name"]: one["reason"] for one in status["services"] if one["state"] == ServiceState.FAILED}:
            raise NodesFailed("\n".join(f"{name} failed: {reason}" for name, reason in failed.items()), failed)
        await anyio.sleep(POLL_S)


def find_resumable(stack: Stack, options: RunOptions) -> RunOptions:
    """Return the options with ``resume`` set if services of a crashed supervisor still run and may be kept."""
    return replace(options, resume=not options.fresh and count_adoptable(stack) > 0)


async def prepare_up(stack: Stack, options: RunOptions, display: Display, *, bundle: Path | None = None) -> None:
    """Install what is missing, then prepare the run; where the run is resumed, only check that its settings are the same.

    Raises: WorkflowFailed, naming the failed nodes; Interrupted; and what ``prepare_run`` and ``install`` raise.
    """
    require_usable(stack, fresh=options.fresh)
    if options.resume:
        return
    await install(stack, display, bundle)
    await prepare_run(stack, options, display)


async def prepare_run(stack: Stack, options: RunOptions, display: Display) -> None:
    """Clean up after a crash, and run the workflows that precede the run; the caller holds the lock.

    Raises: UsageError, if the stack is not installed, if its data cannot be used, or if there is no source tree to watch or to
    test; PortTaken; WorkflowFailed, if a test fails; Interrupted.
    """
    require_usable(stack, fresh=options.fresh)
    before = _workflows_before(stack, options)
    for workflow in ("run", *before):
        require_met(stack, workflow)
    if options.reload and not stack.paths.source.exists():
        raise UsageError(f"there is no source tree to watch: {stack.paths.source} does not exist; fetch one with `novaflow branch`")
    await end_crashed(stack, display)  # before the next run: it would not know the namespaces that the crashed one left
    require_ports(stack, "run")
    if before:
        await run_in_foreground(stack, before, display, {"tests": options.tests or ""})


def _workflows_before(stack: Stack, options: RunOptions) -> Sequence[str]:
    requested = {RESET} & stack.found.workflows.keys() if options.fresh else set()
    if options.tests is not None:
        requested |= {"test"}
    required = [name for name, workflow in stack.found.workflows.items() if workflow.before_run(stack.settings, stack.paths)]
    return sorted({*required, *requested})  # reset precedes test: a failed test must not leave data of two runs
