"""Commands of the user's own that are run when a stack is ready, or has failed."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio

from novaflow.adapters.process.process_ownership import ProcessOwner
from novaflow.adapters.process.programs import Command, run_to_end
from novaflow.events.record import EventRecord
from novaflow.events.types import StackChanged, StackState, StepChanged, StepState

_GRACE_S = 2  # between the signal that asks a late command to end and the one that ends it
_LAST_LINES = 3  # of what a failed command printed, in the event that tells of it


@dataclass(frozen=True, slots=True)
class Hooks:
    """Shell commands by the state of the stack that calls for them; each gets the event, as JSON, on its standard input.

    A command has ``within_s`` to end, and is ended with all it started if it does not.
    """

    commands: Mapping[StackState, str]
    owner: ProcessOwner
    env: Mapping[str, str]
    cwd: Path
    output: Path
    within_s: float = 60

    def command_for(self, record: EventRecord) -> str | None:
        """Return the command that the event calls for; ``None`` if there is none."""
        return self.commands.get(record.event.state) if isinstance(record.event, StackChanged) else None

    async def run(self, record: EventRecord, command: str) -> StepChanged:
        """Run the command and return how it ended: whatever that is, it is an event and no more."""
        began = time.monotonic()
        state, reason = await self._judge(record, command)
        return StepChanged(
            name=f"hook.on-{record.event.state}",
            state=state,
            workflow="run",
            component="hook",
            reason=reason,
            duration_s=round(time.monotonic() - began, 3),
        )

    async def _judge(self, record: EventRecord, command: str) -> tuple[StepState, str]:
        lines: list[str] = []
        shell = Command(("/bin/sh", "-c", command), self.env, self.cwd, self.output, _GRACE_S)
        try:
            with anyio.fail_after(self.within_s):
                code, _ = await run_to_end(self.owner, shell, stdin=record.encode() + b"\n", on_line=lines.append)
        except TimeoutError:
            return StepState.FAILED, f"{command} did not end within {self.within_s:g} s, and was ended"
        except OSError as error:
            return StepState.FAILED, f"{command} could not be run: {error}"
        if code:
            return StepState.FAILED, f"{command} ended with exit code {code}: {' / '.join(lines[-_LAST_LINES:])}"
        return StepState.SUCCEEDED, f"{command} ended well"
