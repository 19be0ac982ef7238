"""Events as AMQP messages."""

from dataclasses import replace

import structlog

from novaflow.adapters.amqp.connection import ConfirmChannel
from novaflow.adapters.storage import Entry
from novaflow.events.record import CONTENT_TYPE, EventRecord

log = structlog.get_logger(__name__)

_REASON_LENGTH = 1000  # characters that are kept of the reason of an event that is too large
_PERSISTENT = 2  # AMQP's delivery mode
_UNLIMITED = 1 << 62


def publish_event(channel: ConfirmChannel, entry: Entry, *, exchange: str, mandatory: bool) -> int:
    """Publish an event, with the properties and headers of the contract, and return its delivery tag."""
    record = entry.record
    return channel.publish(
        entry.body,
        exchange=exchange,
        routing_key=record.routing_key,
        mandatory=mandatory,
        content_type=CONTENT_TYPE,
        headers={f"cloudEvents_{name}": value for name, value in record.attributes.items()},
        properties={"delivery_mode": _PERSISTENT, "message_id": record.id, "type": record.type},
    )


class SizeLimit:
    """Size of the largest message that the broker accepts, learned from its refusals.

    A refusal does not say which message was too large. It was one of the largest, so half of the largest size becomes the limit.
    """

    def __init__(self) -> None:
        self._limit_bytes = _UNLIMITED
        self._largest_bytes = 0

    def fit(self, entry: Entry) -> Entry:
        """Return the event; with a shorter reason if it is larger than the limit, under the same identity."""
        fitting = entry if len(entry.body) <= self._limit_bytes else _shorten(entry)
        self._largest_bytes = max(self._largest_bytes, len(fitting.body))
        return fitting

    def lower(self) -> None:
        """Lower the limit, after a refusal."""
        self._limit_bytes, self._largest_bytes = self._largest_bytes // 2, 0


def _shorten(entry: Entry) -> Entry:
    event = entry.record.event
    reason = f"{event.reason[:_REASON_LENGTH]} … (shortened; the journal has all of it)"
    record: EventRecord = replace(entry.record, event=replace(event, reason=reason))
    log.warning("event.shortened", sequence=record.sequence, size_bytes=len(entry.body), reason="the broker refuses messages of this size")
    return Entry(record, record.encode())
