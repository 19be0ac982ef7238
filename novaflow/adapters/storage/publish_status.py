"""The progress of publishing, in a small file: reading it needs neither a broker nor kombu."""

import json
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import structlog

from novaflow.adapters.storage.journal import last_record, read_journal
from novaflow.events.record import EventRecord

log = structlog.get_logger(__name__)


class BrokerState(StrEnum):
    """The state of the broker, as the publisher sees it."""

    UP = "up"
    DOWN = "down"
    BLOCKED = "blocked"  # it runs but accepts nothing: its memory or disk is low


@dataclass(frozen=True, slots=True)
class PublishStatus:
    """The progress of publishing: confirmed events, waiting events and the state of the broker."""

    published: int
    waiting: int
    broker: BrokerState
    reason: str


def publish_status_of(journal: Path, confirmed: int, broker: BrokerState, reason: str) -> PublishStatus:
    """Return the progress of publishing for this number of confirmed events."""
    last = last_record(journal)
    return PublishStatus(confirmed, max(0, (last.sequence if last else 0) - confirmed), broker, reason)


def read_publish_status(journal: Path, cursor: Path) -> PublishStatus:
    """Return the progress of publishing that the files record."""
    return publish_status_of(journal, read_cursor(cursor, journal), BrokerState.DOWN, "nothing publishes")


def read_cursor(path: Path, journal: Path) -> int:
    """Return the sequence number up to which all events are confirmed; 0 if it is unknown or belongs to another journal."""
    try:
        content = json.loads(path.read_bytes())
        sequence, event_id = int(content["sequence"]), str(content["id"])
    except FileNotFoundError:
        return 0
    except (OSError, ValueError, KeyError, TypeError):
        log.warning("cursor.unreadable", path=str(path), advice="every event is sent again, with the same id")
        return 0
    there = next(iter(read_journal(journal, after=sequence - 1)), None)
    # A missing one was damaged, and is of this journal; one of another id is not.
    return 0 if there is None or (there.sequence == sequence and there.id != event_id) else sequence


def write_cursor(path: Path, record: EventRecord) -> None:
    """Note the event as the last one confirmed; a reader sees the old note or the new one."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(json.dumps({"sequence": record.sequence, "id": record.id}) + "\n")
    os.replace(fresh, path)  # noqa: PTH105 - in one system call, whatever pathlib does
