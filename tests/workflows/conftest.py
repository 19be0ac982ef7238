"""Fixtures for tests of workflows: the contexts of steps, and a server in place of OpenStack's APIs."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from novaflow.adapters.http import HttpClient
from novaflow.adapters.local import NodeContext
from novaflow.model.component import Component
from novaflow.model.paths import Paths
from tests.support.contexts import build_context
from tests.support.rest import RestServer, serve_rest
from tests.support.settings import make_settings

MakeContext = Callable[..., NodeContext]


@pytest.fixture
def anyio_backend() -> str:
    """Return the backend that novaflow runs on; the programs of steps run on no other."""
    return "asyncio"


@pytest.fixture
def reports() -> list[tuple[str, float | None]]:
    """Return the list of what steps report: the text, and the fraction that is done."""
    return []


@pytest.fixture
async def make_context(tmp_path: Path, reports: list[tuple[str, float | None]]) -> AsyncIterator[MakeContext]:
    """Return a function that returns the context of a step in a stack below ``tmp_path``, with what it is given as declared values."""
    paths, client = Paths(tmp_path / "nova"), HttpClient(authority=Paths(tmp_path / "nova").authority)
    for folder in (paths.run, paths.data, paths.log):
        folder.mkdir(parents=True)

    def report(_: str, text: str, fraction: float | None) -> None:
        reports.append((text, fraction))

    def make(*declared: object, **settings: object) -> NodeContext:
        component = Component("test", "A component.", declares=declared)
        return build_context(paths, client, component, settings=make_settings(**settings), report=report, node="test.step")

    yield make
    await client.aclose()


@pytest.fixture
def rest() -> Iterator[RestServer]:
    """Return an HTTP server that stands for OpenStack's APIs."""
    with serve_rest() as rest:
        yield rest
