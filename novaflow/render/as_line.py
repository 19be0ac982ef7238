"""An event as one line."""

from novaflow.events.record import EventRecord


def draw_event(record: EventRecord) -> str:
    """Return the event's local time, sequence number, kind, name, state, first line of its reason, and duration."""
    event = record.event
    at = record.time.astimezone().replace(tzinfo=None).isoformat(" ", "milliseconds")
    took_s: float | None = getattr(event, "duration_s", None)  # not every kind has one
    took = f" ({took_s:.2f} s)" if took_s is not None else ""
    reason = event.reason.partition("\n")[0]
    return f"{at} {record.sequence:>6}  {event.kind:<8} {event.name:<32} {event.state:<9} {reason}{took}"
