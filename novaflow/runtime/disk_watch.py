"""Publishes when the file system of a stack becomes nearly full, and when it has space again."""

import shutil
from collections.abc import Callable
from pathlib import Path

import anyio
import structlog

from novaflow.adapters.storage import Journal
from novaflow.events.types import DiskChanged, DiskState, Event
from novaflow.model.disk import low_below

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 2.0  # a look takes 0.1 ms
ENOUGH = 2  # times the threshold: a file system whose space varies around it is reported once


async def watch_disk(stack_name: str, folder: Path, journal: Journal, publish: Callable[[Event], None]) -> None:
    """Look at the free space of the folder until cancelled; write the events that wait for space.

    Raises: OSError, if the file system does not answer.
    """
    state = DiskState.OK
    while True:
        journal.retry()
        usage = await anyio.to_thread.run_sync(shutil.disk_usage, folder)
        now = next_state(state, usage.free, low_below(usage.total))
        if now is not state:
            state = now
            publish(_describe(stack_name, folder, state, usage.free, low_below(usage.total)))
        await anyio.sleep(LOOK_EVERY_S)


def next_state(state: DiskState, free: int, low: int) -> DiskState:
    """Return the state of a file system with ``free`` bytes of free space, which is nearly full below ``low`` bytes."""
    if free < low:
        return DiskState.LOW
    return DiskState.OK if free >= ENOUGH * low else state


def _describe(stack_name: str, folder: Path, state: DiskState, free: int, low: int) -> DiskChanged:
    free_mib = free >> 20
    if state is DiskState.LOW:
        reason = f"{free_mib} MiB are free for {folder}, less than {low >> 20} MiB; free some space: services fail on a full disk"
        log.warning("disk.low", folder=str(folder), free_mib=free_mib)
    else:
        reason = f"{free_mib} MiB are free for {folder}"
    return DiskChanged(name=stack_name, state=state, reason=reason, free_mib=free_mib)
