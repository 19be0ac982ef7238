"""The context of a step, for tests of its body."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from novaflow.adapters.http import HttpClient
from novaflow.adapters.local import NodeContext, Report, StackResources
from novaflow.adapters.storage import Secrets
from novaflow.model.component import Component
from novaflow.model.paths import Paths
from novaflow.model.probe import Backoff
from novaflow.model.settings import Settings
from tests.support.settings import make_settings

SHORT = Backoff(0.001, 0.01)


def ignore_report(node: str, text: str, fraction: float | None) -> None:
    """Ignore the progress that a step reports."""


@asynccontextmanager
async def open_context(
    root: Path,
    *components: Component,
    settings: Settings | None = None,
    arguments: Mapping[str, str] | None = None,
    report: Report = ignore_report,
    node: str = "component.step",
) -> AsyncIterator[NodeContext]:
    """Return the context of a step in the stack below ``root``; its waits have short pauses, and no event is published."""

    async def drain(_: float) -> bool:
        return True

    paths, client = Paths(root), HttpClient()
    secrets = Secrets(paths.credentials / "secrets.json")
    resources = StackResources(
        settings or make_settings(), paths, components, secrets, client, report, drain, SHORT, arguments=arguments or {}
    )
    yield NodeContext(resources, node)
    await client.aclose()
