"""Turning what components have to tell beside their own life into events of the stack."""

from collections.abc import Callable

import anyio
import structlog

from novaflow.adapters.amqp import amqp_consume
from novaflow.events.types import Event
from novaflow.model.component import NotificationSource
from novaflow.runtime.orchestrator import Orchestrator

log = structlog.get_logger(__name__)


async def forward_notifications(orchestrator: Orchestrator, publish: Callable[[Event], None]) -> None:
    """Tell every event that the feeds of the stack's components bring, until cancelled."""
    settings, secret = orchestrator.stack.settings, orchestrator.machine.secrets.get
    async with anyio.create_task_group() as tasks:
        for component in orchestrator.stack.components:
            for apply in component.notification_sources:
                if apply.when(settings):
                    tasks.start_soon(amqp_consume, apply.url(settings, secret), apply.queues, _teller(apply, publish))


def _teller(apply: NotificationSource, publish: Callable[[Event], None]) -> Callable[[bytes], None]:
    def take(body: bytes) -> None:
        try:
            event = apply.read(body)
        except (ValueError, KeyError, TypeError) as error:
            log.warning("feed.message_skipped", apply=apply.name, reason=f"{type(error).__name__}: {error}", message=body[:200])
            return
        if event is not None:
            publish(event)

    return take
