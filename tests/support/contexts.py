"""The context of a step, for tests of its body."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

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


async def drain_nothing(_: float) -> bool:
    """Return that the broker has all events: none is published."""
    return True


def build_context(  # noqa: PLR0913 - each test passes one or two of them
    paths: Paths,
    client: HttpClient,
    *components: Component,
    settings: Settings | None = None,
    arguments: Mapping[str, str] | None = None,
    report: Report = ignore_report,
    node: str = "component.step",
) -> NodeContext:
    """Return the context of a step of a stack with these components; its waits have short pauses, and no event is published."""
    secrets = Secrets(paths.credentials / "secrets.json")
    resources = StackResources(
        settings or make_settings(), paths, components, secrets, client, report, drain_nothing, SHORT, arguments=arguments or {}
    )
    return NodeContext(resources, node)


@asynccontextmanager
async def open_context(root: Path, *components: Component, **options: Any) -> AsyncIterator[NodeContext]:
    """Return the context of a step in the stack below ``root`` with a client, which is closed afterwards; see ``build_context``."""
    client = HttpClient(authority=Paths(root).authority)
    yield build_context(Paths(root), client, *components, **options)
    await client.aclose()
