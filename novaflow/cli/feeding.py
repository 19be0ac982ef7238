"""Turning what components have to tell beside their own life into events of the stack."""

from collections.abc import Callable

import anyio
import structlog

from novaflow.adapters.amqp import amqp_consume
from novaflow.cli.conduct import Conductor
from novaflow.model.component import Feed
from novaflow.model.event import Event

log = structlog.get_logger(__name__)


async def tell_feeds(conductor: Conductor, tell: Callable[[Event], None]) -> None:
    """Tell every event that the feeds of the stack's components bring, until cancelled."""
    settings, secret = conductor.stack.settings, conductor.machine.secrets.get
    async with anyio.create_task_group() as tasks:
        for component in conductor.stack.components:
            for feed in component.feeds:
                if feed.when(settings):
                    tasks.start_soon(amqp_consume, feed.url(settings, secret), feed.queues, _teller(feed, tell))


def _teller(feed: Feed, tell: Callable[[Event], None]) -> Callable[[bytes], None]:
    def take(body: bytes) -> None:
        try:
            event = feed.read(body)
        except (ValueError, KeyError, TypeError) as error:
            log.warning("feed.message_skipped", feed=feed.name, because=f"{type(error).__name__}: {error}", message=body[:200])
            return
        if event is not None:
            tell(event)

    return take
