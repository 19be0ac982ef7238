"""Publishes notifications of the stack's services as events of the stack."""

from collections.abc import Callable
from functools import partial

import anyio
import structlog

from novaflow.adapters.amqp import amqp_consume
from novaflow.events.types import Event
from novaflow.model.component import NotificationSource
from novaflow.runtime.orchestrator import Orchestrator

log = structlog.get_logger(__name__)


async def forward_notifications(orchestrator: Orchestrator, publish: Callable[[Event], None]) -> None:
    """Publish an event for each notification from the sources that components declare, until cancelled."""
    settings, secret = orchestrator.stack.settings, orchestrator.resources.secrets.get
    async with anyio.create_task_group() as tasks:
        for component in orchestrator.stack.components:
            for source in component.notification_sources:
                if source.when(settings):
                    tasks.start_soon(amqp_consume, source.url(settings, secret), source.queues, partial(_forward, source, publish))


def _forward(source: NotificationSource, publish: Callable[[Event], None], body: bytes) -> None:
    try:
        event = source.read(body)
    except (ValueError, KeyError, TypeError) as error:
        log.warning("notification.skipped", source=source.name, reason=f"{type(error).__name__}: {error}", message=body[:200])
        return
    if event is not None:
        publish(event)
