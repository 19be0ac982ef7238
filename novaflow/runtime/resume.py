"""What a crashed supervisor left running, for the next supervisor to adopt."""

from collections.abc import Mapping

from novaflow.adapters.process import ProcessOwner, find_leader
from novaflow.adapters.storage import last_record, read_journal
from novaflow.events.types import StepChanged, StepState
from novaflow.runtime.stack import Stack
from novaflow.runtime.status import LOOK_BACK, has_crashed, read_status

_DONE = {StepState.SUCCEEDED, StepState.SKIPPED}


def count_adoptable(stack: Stack) -> int:
    """Return how many services of a crashed supervisor still run; 0 if the stack has not crashed."""
    if not has_crashed(stack):
        return 0
    services = (node.name for node in stack.graph("run").nodes.values() if node.is_service)
    return sum(find_leader(ProcessOwner(stack.paths, name)) is not None for name in services)


def find_done_steps(stack: Stack) -> Mapping[str, str]:
    """Return the steps of the latest run that need not run again, with the reason."""
    run_id = read_status(stack).run_id
    last = last_record(stack.paths.journal)
    recent = read_journal(stack.paths.journal, after=max(0, (last.sequence if last else 0) - LOOK_BACK))
    events = (record.event for record in recent if record.run_id == run_id)
    return {
        event.name: "done before the supervisor was replaced"
        for event in events
        if isinstance(event, StepChanged) and event.workflow == "run" and event.state in _DONE
    }
