"""Runs the user's commands when a stack is ready or has failed."""

import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio

from novaflow.adapters.process.process_ownership import ProcessOwner
from novaflow.adapters.process.programs import Command, run_to_end
from novaflow.events.record import EventRecord
from novaflow.events.types import StackChanged, StackState, StepChanged, StepState

_GRACE_S = 2  # between SIGTERM and SIGKILL
_LAST_LINES = 12  # of the output of a failed command, in its event
_LAST_CHARACTERS = 16_384  # of these lines


@dataclass(frozen=True, slots=True)
class Hooks:
    """Shell commands by the state of the stack that triggers them; each reads the event, as JSON, from standard input.

    A command that runs longer than ``within_s`` is ended with all its descendants.
    """

    commands: Mapping[StackState, str]
    owner: ProcessOwner
    env: Mapping[str, str]
    cwd: Path
    output: Path
    within_s: float = 60

    def command_for(self, record: EventRecord) -> str | None:
        """Return the command that the event triggers; ``None`` if there is none."""
        return self.commands.get(record.event.state) if isinstance(record.event, StackChanged) else None

    async def run(self, record: EventRecord, command: str) -> StepChanged:
        """Run the command and return its result as an event; a failure has no other effect."""
        began = time.monotonic()
        state, reason, log_tail = await self._run(record, command)
        return StepChanged(
            name=f"hook.on-{record.event.state}",
            state=state,
            workflow="run",
            component="hook",
            reason=reason,
            log_tail=log_tail,
            duration_s=round(time.monotonic() - began, 3),
        )

    async def _run(self, record: EventRecord, command: str) -> tuple[StepState, str, str | None]:
        lines: deque[str] = deque(maxlen=_LAST_LINES)
        shell = Command(("/bin/sh", "-c", command), self.env, self.cwd, self.output, _GRACE_S)
        try:
            with anyio.fail_after(self.within_s):
                code, _ = await run_to_end(self.owner, shell, stdin=record.encode() + b"\n", on_line=lines.append, kept=0)
        except TimeoutError:
            return StepState.FAILED, f"{command}: not done after {self.within_s:g} s", _end_of(lines)
        except OSError as error:
            return StepState.FAILED, f"{command}: {error}", None
        if code:
            return StepState.FAILED, f"{command}: exited with {code}", _end_of(lines)
        return StepState.SUCCEEDED, f"{command}: done", None


def _end_of(lines: Iterable[str]) -> str | None:
    return "\n".join(lines)[-_LAST_CHARACTERS:] or None
