"""Which events are on their way to the broker: accounting by delivery tag, since acknowledgements come as they like."""

from collections import deque

from novaflow.events.record import EventRecord


class InflightWindow:
    """The events sent and not yet confirmed, in the order they were sent; delivery tags count from 1.

    ``confirmed`` is the last event before which, itself included, the broker has everything; ``None`` if none yet.
    """

    def __init__(self, *, most: int) -> None:
        self.confirmed: EventRecord | None = None
        self._most = most
        self._sent: deque[tuple[int, EventRecord]] = deque()
        self._early: set[int] = set()  # tags acknowledged before an earlier one

    @property
    def has_room(self) -> bool:
        """Whether another event may be sent."""
        return len(self._sent) < self._most

    @property
    def is_empty(self) -> bool:
        """Whether everything sent is confirmed."""
        return not self._sent

    def add(self, delivery_tag: int, record: EventRecord) -> None:
        """Note that an event was sent."""
        self._sent.append((delivery_tag, record))

    def settle(self, delivery_tag: int, multiple: bool) -> None:  # noqa: FBT001 - as AMQP hands it over
        """Note the acknowledgement of one event, or of all up to it."""
        if not multiple:
            self._early.add(delivery_tag)
        while self._sent and ((multiple and self._sent[0][0] <= delivery_tag) or self._sent[0][0] in self._early):
            tag, self.confirmed = self._sent.popleft()
            self._early.discard(tag)
