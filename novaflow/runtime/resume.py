"""What a crashed supervisor left running, for the next supervisor to adopt."""

import json
from collections.abc import Collection
from pathlib import Path

import structlog

from novaflow.adapters.process import ProcessOwner, find_leader
from novaflow.adapters.storage import write_atomic
from novaflow.events.record import EventRecord
from novaflow.events.types import StepChanged, StepState
from novaflow.model.paths import Paths
from novaflow.runtime.stack import Stack
from novaflow.runtime.status import has_crashed

log = structlog.get_logger(__name__)

_DONE = {StepState.SUCCEEDED, StepState.SKIPPED}


def count_adoptable(stack: Stack) -> int:
    """Return how many services of a crashed supervisor still run; 0 if the stack has not crashed."""
    if not has_crashed(stack):
        return 0
    services = (node.name for node in stack.graph("run").nodes.values() if node.is_service)
    return sum(find_leader(ProcessOwner(stack.paths, name)) is not None for name in services)


class DoneSteps:
    """The steps of the run that are done, in a file for a supervisor that continues it.

    ``before`` are those that were done when the run is continued, ``None`` for a new run. The events of the run do not replace
    the file: the run may be long ago, and the journal is compacted.
    """

    def __init__(self, stack: Stack, *, resume: bool) -> None:
        self._file = _done_steps_file(stack.paths)
        self.before: Collection[str] | None = _read(self._file) if resume else None
        self._names = [*(self.before or ())]
        if not resume:
            self._file.unlink(missing_ok=True)

    def apply(self, record: EventRecord) -> None:
        """Add the step of the event, if the event is the end of a step of the run."""
        event = record.event
        if not isinstance(event, StepChanged) or event.workflow != "run" or event.state not in _DONE or event.name in self._names:
            return
        self._names.append(event.name)
        try:
            write_atomic(self._file, json.dumps(self._names))
        except OSError as error:  # the disk is full: the next step writes all of them
            log.warning("steps.not_recorded", file=str(self._file), reason=str(error))


def _done_steps_file(paths: Paths) -> Path:
    return paths.run / "done-steps.json"


def _read(file: Path) -> list[str]:
    try:
        return [str(name) for name in json.loads(file.read_bytes())]
    except FileNotFoundError:  # no step was done
        return []
