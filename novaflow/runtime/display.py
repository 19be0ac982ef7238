"""What shows the events of a stack to the user."""

from typing import Protocol

from novaflow.events.record import EventRecord


class Display(Protocol):
    """Shows events, and the progress of running steps."""

    def show(self, record: EventRecord) -> None:
        """Show one event."""
        ...

    def show_progress(self, node: str, text: str, fraction: float | None) -> None:
        """Show the progress of a running step; ``fraction`` is from 0 to 1, ``None`` if unknown."""
        ...
