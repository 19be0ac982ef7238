"""Calls of OpenStack's APIs, of a server that answers as it is told."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from novaflow.adapters.http.client import HttpClient
from novaflow.adapters.process.context import NodeContext, StackResources
from novaflow.adapters.storage.secrets import Secrets
from novaflow.errors import StepFailed
from novaflow.model.paths import Paths
from novaflow.model.probe import Backoff
from tests.support.settings import make_settings
from workflows.services.openstack import Api


@dataclass
class Service:
    """What a service answers next, status by status; then 200."""

    statuses: list[int]
    url: str = ""
    arguments: int = 0


@pytest.fixture
def service() -> Iterator[Service]:
    """Lend a service that answers over HTTP."""
    service = Service([])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            service.arguments += 1
            self.send_response(service.statuses.pop(0) if service.statuses else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b'{"state": "well"}')

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        service.url = f"http://127.0.0.1:{server.server_port}/"
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield service
        server.shutdown()
        thread.join()


@asynccontextmanager
async def logged_in(root: Path) -> AsyncIterator[Api]:
    """Lend the APIs of a stack that has nothing, in a hurry."""

    async def drain(_: float) -> bool:
        return False

    client = HttpClient()
    machine = StackResources(
        make_settings(), Paths(root), (), Secrets(root / "secrets"), client, lambda *_: None, drain, Backoff(0.001, 0.01)
    )
    yield Api(NodeContext(machine, "cloud.ready"), "token", "project")
    await client.aclose()


async def test_who_waits_outlasts_a_service_that_fails(tmp_path: Path, service: Service) -> None:
    """An API whose neighbours are not up yet answers with 500; asked again, it answers well."""
    service.statuses = [500, 503, 500]
    async with logged_in(tmp_path) as api:

        async def ask() -> str:
            return str((await api.call("GET", service.url))["state"])

        assert await api.ctx.wait(ask, within_s=10) == "well"
    assert service.arguments == 4


@pytest.mark.parametrize("status", [404, 500])
async def test_who_does_not_wait_is_told(tmp_path: Path, service: Service, status: int) -> None:
    """Whoever's fault it is, the step has failed, and the answer is in the message."""
    service.statuses = [status]
    async with logged_in(tmp_path) as api:
        with pytest.raises(StepFailed, match=f"GET .* was answered with {status}"):
            await api.call("GET", service.url)


async def test_a_refusal_is_not_outlasted(tmp_path: Path, service: Service) -> None:
    """What was asked wrongly stays wrong."""
    service.statuses = [404, 404]
    async with logged_in(tmp_path) as api:

        async def ask() -> str:
            return str((await api.call("GET", service.url))["state"])

        with pytest.raises(StepFailed, match="was answered with 404"):
            await api.ctx.wait(ask, within_s=10)
    assert service.arguments == 1
