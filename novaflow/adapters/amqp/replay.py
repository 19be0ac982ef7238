"""The position in the journal that publishing continues from."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from novaflow.adapters.amqp.topology import StreamState
from novaflow.adapters.storage import JournalReader, read_cursor, read_journal, write_cursor
from novaflow.events.record import EventRecord

log = structlog.get_logger(__name__)

_RETENTION = timedelta(days=30)  # of the stream queue


class ReplayPosition:
    """The sequence number up to which the broker has confirmed every event, and the cursor file that keeps it.

    It moves back where the stream queue lacks events. ``confirmed`` may be read by any thread.
    """

    def __init__(self, journal: Path, cursor: Path) -> None:
        self.confirmed = read_cursor(cursor, journal)
        self._journal, self._cursor = journal, cursor
        self._unsaved: EventRecord | None = None
        self._saved_at = 0.0
        self._stream_lacks_after: int | None = None  # the events published while it was unavailable; None: no events

    def open_journal(self) -> JournalReader:
        """Return a reader of the journal, at the position.

        An event is published when it is on the disk. Otherwise a power cut could undo it, and its number would be used again for
        another event, which subscribers take for a repeat.
        """
        return JournalReader(self._journal, after=self.confirmed, fsync=True)

    def advance(self, record: EventRecord) -> None:
        """Move to an event that is confirmed, with all before it."""
        self.confirmed, self._unsaved = record.sequence, record

    def rewind(self, stream: StreamState) -> None:
        """Move back to before the events that the stream queue, found in this state, lacks."""
        match stream:
            case StreamState.REFUSED:
                pass
            case StreamState.UNAVAILABLE:
                if self._stream_lacks_after is None:
                    self._stream_lacks_after = self.confirmed
            case StreamState.CREATED:
                self._replay_after(self._before_retention(), "the broker had no stream queue, or lost it")
            case StreamState.FOUND:
                if self._stream_lacks_after is not None:
                    self._replay_after(self._stream_lacks_after, "the stream queue was unavailable when they were published")

    def save(self, *, not_within_s: float = 0.0) -> None:
        """Write the cursor file, unless it was written within the last ``not_within_s``.

        Raises: OSError.
        """
        # What the stream queue lacks is replayed after a restart, too.
        if self._unsaved is None or self._stream_lacks_after is not None or time.monotonic() - self._saved_at < not_within_s:
            return
        self._saved_at = time.monotonic()
        record, self._unsaved = self._unsaved, None
        write_cursor(self._cursor, record)

    def _replay_after(self, sequence: int, reason: str) -> None:
        self._stream_lacks_after = None
        if sequence < self.confirmed:
            log.info("stream.replayed", events=self.confirmed - sequence, reason=reason)
            self.confirmed, self._unsaved = sequence, None

    def _before_retention(self) -> int:
        first = next(iter(read_journal(self._journal, since=datetime.now(UTC) - _RETENTION)), None)
        return first.sequence - 1 if first else self.confirmed
