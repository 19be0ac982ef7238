"""Posts events to a web server, in order, and retries until each is accepted."""

import anyio
import structlog

from novaflow.adapters.http.client import HttpClient
from novaflow.events.record import CONTENT_TYPE, EventRecord
from novaflow.model.probe import Backoff, NotYet

log = structlog.get_logger(__name__)

_BACKOFF = Backoff(first_s=0.2, most_s=30, factor=2)
_BUSY = 429
_OUR_FAULT, _THEIR_FAULT = range(400, 500), range(500, 600)


class Webhook:
    """Posts events one by one; an event that the server cannot accept now delays the following ones, so that the order is kept."""

    def __init__(self, url: str, client: HttpClient, *, backoff: Backoff = _BACKOFF) -> None:
        self._url, self._client, self._pace = url, client, backoff

    async def post(self, record: EventRecord) -> bool:
        """Deliver the event and return whether the server accepted it; an event that it rejects as invalid is skipped."""
        attempt = 0
        while (status := await self._try(record, attempt)) is None:
            attempt += 1
            await anyio.sleep(self._pace.pause_before(attempt))
        if status in _OUR_FAULT:
            log.warning("webhook.refused", url=self._url, status=status, sequence=record.sequence)
        return status not in _OUR_FAULT

    async def _try(self, record: EventRecord, attempt: int) -> int | None:
        """Return whether the server accepted the event; ``None`` if a retry may succeed."""
        try:
            answer = await self._client.request("POST", self._url, content=record.encode(), headers={"content-type": CONTENT_TYPE})
            reason = f"it answered {answer.status}"
        except NotYet as silence:
            answer, reason = None, str(silence)
        if answer is not None and answer.status != _BUSY and answer.status not in _THEIR_FAULT:
            return answer.status
        if attempt == 0:
            log.warning("webhook.waiting", url=self._url, reason=reason, sequence=record.sequence)
        return None
