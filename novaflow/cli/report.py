"""What a stack's status looks like to programs and to people."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from novaflow.adapters.amqp import Standing
from novaflow.model.event import StackState
from novaflow.model.status import StackStatus

EXIT_CODES = {
    StackState.READY: 0,
    StackState.DEGRADED: 3,
    StackState.FAILED: 3,
    StackState.STARTING: 4,
    StackState.STOPPING: 5,
    StackState.STOPPED: 5,
}


def describe_status(status: StackStatus, urls: Mapping[str, str], standing: Standing) -> dict[str, Any]:
    """Return the contract's ``status --json``."""
    return {
        "stack": status.stack,
        "state": status.state,
        "because": status.because,
        "since": status.since.isoformat().replace("+00:00", "Z") if status.since else None,
        "run_id": status.run_id,
        "ready_after_s": status.ready_after_s,
        "url": dict(urls),
        "services": [asdict(service) for service in status.services.values()],
        "events": {"published": standing.published, "waiting": standing.waiting, "broker": standing.broker},
    }
