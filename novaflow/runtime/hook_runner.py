"""Runs the user's commands for the states of a stack: NOVAFLOW_ON_READY and NOVAFLOW_ON_FAILED."""

import math
from collections.abc import Callable
from pathlib import Path

import anyio

from novaflow.adapters.process import SYSTEM_PATH, Hooks, ProcessOwner
from novaflow.events.record import EventRecord
from novaflow.events.types import Event, StackState
from novaflow.runtime.stack import Stack
from novaflow.settings import CoreSettings


class HookRunner:
    """Queues the commands that events call for, and runs them one after the other."""

    def __init__(self, stack: Stack) -> None:
        self._hooks = open_hooks(stack)
        # Unbounded: a stack becomes ready or fails a few times in its life.
        self._queue, self._queued = anyio.create_memory_object_stream[tuple[EventRecord, str]](math.inf)

    def queue_hook(self, record: EventRecord) -> None:
        """Queue the command that the event calls for, if any."""
        if command := self._hooks.command_for(record):
            self._queue.send_nowait((record, command))

    def close(self) -> None:
        """Accept no more events; ``run`` returns when the queue is empty."""
        self._queue.close()

    async def run(self, publish: Callable[[Event], None]) -> None:
        """Run queued commands until closed, and publish the result of each."""
        async for record, command in self._queued:
            publish(await self._hooks.run(record, command))
        self._queued.close()


def open_hooks(stack: Stack) -> Hooks:
    """Return the user's commands by the state of the stack that calls for them."""
    settings = stack.settings.of(CoreSettings)
    chosen = {StackState.READY: settings.novaflow_on_ready, StackState.FAILED: settings.novaflow_on_failed}
    commands = {state: command for state, command in chosen.items() if command}
    env = {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8", "HOME": str(Path.home())}
    return Hooks(commands, ProcessOwner(stack.paths, "hook"), env, stack.paths.root, stack.paths.log / "hook.log")
