"""Restarts services when the source tree changes."""

import anyio
import structlog

from novaflow.adapters.storage.source_tree import find_importers, watch_modules
from novaflow.engine.engine import Engine
from novaflow.errors import UsageError
from novaflow.model.paths import Paths
from novaflow.plan.commands import ServiceCommand

log = structlog.get_logger(__name__)


async def restart_on_change(engine: Engine, paths: Paths, is_up: anyio.Event) -> None:
    """Restart the services that import a changed module, until cancelled; not before ``is_up`` is set."""
    paths.imports.mkdir(exist_ok=True)
    async with anyio.create_task_group() as tasks:
        async for modules in watch_modules(paths.source):
            services = sorted(find_importers(paths, modules) & engine.services)
            log.info("source.changed", modules=sorted(modules), services=services)
            if services:
                # Not awaited: the next change may repair a service that does not become ready.
                tasks.start_soon(_restart, engine, is_up, services, f"{', '.join(sorted(modules))} changed")


async def _restart(engine: Engine, is_up: anyio.Event, services: list[str], reason: str) -> None:
    await is_up.wait()
    try:
        await engine.apply_service_command(ServiceCommand.RESTART, services, reason)
    except UsageError as refusal:
        log.warning("source.restart_refused", services=services, reason=str(refusal))
