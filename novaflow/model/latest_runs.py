"""What is kept of the removed events of a journal."""

from novaflow.events.record import EventRecord
from novaflow.events.types import ServiceChanged, StackChanged, StackState, StepChanged, WorkflowChanged, WorkflowState

_SUPERVISED = "run"  # the workflow whose executions begin with an event of the stack


class LatestRuns:
    """The events of the latest execution of each workflow: of each node and state the first and the last one.

    They are few, and the state of the stack and the timings of its workflows are computed from them.
    """

    def __init__(self) -> None:
        self._runs: dict[str, dict[tuple[str, str, str], tuple[EventRecord, EventRecord]]] = {}

    def add(self, record: EventRecord) -> None:
        """Add the next event."""
        match record.event:
            case StackChanged(state=StackState.STARTING):
                self._runs.pop(_SUPERVISED, None)
                self._keep(_SUPERVISED, record)
            case StackChanged():
                self._keep(_SUPERVISED, record)
            case WorkflowChanged(name=workflow, state=state):
                if state is WorkflowState.STARTED and workflow != _SUPERVISED:
                    self._runs.pop(workflow, None)
                self._keep(workflow, record)
            case StepChanged(workflow=workflow) | ServiceChanged(workflow=workflow):
                self._keep(workflow, record)
            case _:
                pass

    def records(self) -> list[EventRecord]:
        """Return the events to keep, in order; an event that is the first and the last one comes once."""
        kept = {record.sequence: record for run in self._runs.values() for ends in run.values() for record in ends}
        return [record for _, record in sorted(kept.items())]

    def _keep(self, workflow: str, record: EventRecord) -> None:
        run = self._runs.setdefault(workflow, {})
        key = (record.event.kind, record.event.name, record.event.state)
        first, _ = run.get(key, (record, record))
        run[key] = (first, record)
