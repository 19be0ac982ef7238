"""The status of a stack as other programs read it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from novaflow.adapters.storage import PublishStatus
from novaflow.model.status import StackStatus


@dataclass(frozen=True, slots=True)
class StepProgress:
    """The progress of a running step; ``fraction`` is from 0 to 1, ``None`` if unknown."""

    text: str
    fraction: float | None


def describe_status(
    status: StackStatus, urls: Mapping[str, str], publish_status: PublishStatus, notes: Mapping[str, StepProgress]
) -> dict[str, Any]:
    """Return the object that `status --json` prints; ``notes`` maps each running step to its progress."""
    return {
        "stack": status.stack,
        "state": status.state,
        "reason": status.reason,
        "since": status.since.isoformat().replace("+00:00", "Z") if status.since else None,
        "run_id": status.run_id,
        "ready_after_s": status.ready_after_s,
        "url": dict(urls),
        "services": [asdict(service) for service in status.services.values()],
        "events": {"published": publish_status.published, "waiting": publish_status.waiting, "broker": publish_status.broker},
        "notes": {node: asdict(note) for node, note in notes.items()},
    }
