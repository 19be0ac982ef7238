"""How far a journal is known to be with the broker, kept in a small file of its own."""

import json
import os
from pathlib import Path

import structlog

from novaflow.adapters.journal import read_journal
from novaflow.model.event import Recorded

log = structlog.get_logger(__name__)


def read_cursor(path: Path, journal: Path) -> int:
    """Return the sequence number up to which everything is confirmed; 0 if that is not known, or of another journal."""
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


def write_cursor(path: Path, recorded: Recorded) -> None:
    """Note the event as the last one confirmed; a reader sees the old note or the new one."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(json.dumps({"sequence": recorded.sequence, "id": recorded.id}) + "\n")
    os.replace(fresh, path)  # noqa: PTH105 - in one system call, whatever pathlib does
