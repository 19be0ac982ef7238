"""The progress of publishing, kept in a cursor file, which is read without a broker."""

import json
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import structlog

from novaflow.adapters.storage.atomic_file import write_atomic
from novaflow.adapters.storage.journal import last_record, read_journal
from novaflow.events.record import EventRecord

log = structlog.get_logger(__name__)


class BrokerState(StrEnum):
    """States of the broker."""

    UP = "up"
    DOWN = "down"
    BLOCKED = "blocked"  # it accepts no messages, because its memory or disk is short


@dataclass(frozen=True, slots=True)
class PublishStatus:
    """The progress of publishing: the numbers of confirmed and of waiting events, and the state of the broker."""

    published: int
    waiting: int
    broker: BrokerState
    reason: str


def publish_status_of(journal: Path, confirmed: int, broker: BrokerState, reason: str) -> PublishStatus:
    """Return the progress when ``confirmed`` events are confirmed."""
    last = last_record(journal)
    return PublishStatus(confirmed, max(0, (last.sequence if last else 0) - confirmed), broker, reason)


def read_publish_status(journal: Path, cursor: Path) -> PublishStatus:
    """Return the progress that the files show while no process publishes; zeros for a user who may not read the cursor."""
    if cursor.parent.exists() and not os.access(cursor.parent, os.X_OK):  # as members of NOVAFLOW_GROUP
        return PublishStatus(0, 0, BrokerState.DOWN, "this user may not see how many events are published")
    return publish_status_of(journal, read_cursor(cursor, journal), BrokerState.DOWN, "no supervisor is running")


def read_cursor(path: Path, journal: Path) -> int:
    """Return the sequence number of the last confirmed event; 0 if the file is missing, damaged, or belongs to another journal."""
    try:
        content = json.loads(path.read_bytes())
        sequence, event_id = int(content["sequence"]), str(content["id"])
    except FileNotFoundError:
        return 0
    except (OSError, ValueError, KeyError, TypeError):
        log.warning("cursor.unreadable", path=str(path), advice="every event is published again, with the same id")
        return 0
    found = next(iter(read_journal(journal, after=sequence - 1)), None)
    # Another id belongs to another journal; a missing event was damaged.
    return 0 if found is None or (found.sequence == sequence and found.id != event_id) else sequence


def write_cursor(path: Path, record: EventRecord) -> None:
    """Write the last confirmed event.

    Raises: OSError.
    """
    write_atomic(path, json.dumps({"sequence": record.sequence, "id": record.id}) + "\n")
