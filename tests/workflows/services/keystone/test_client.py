"""The REST client, on an HTTP server whose responses a test chooses."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from novaflow.errors import StepFailed
from novaflow.model.component import Component
from novaflow.model.probe import NotYet
from tests.support.contexts import open_context
from workflows.services.endpoint import Endpoint
from workflows.services.keystone.client import Api, admin_api


@dataclass
class Service:
    """An API that returns ``statuses`` one after another, then 200, and records the requests."""

    statuses: list[int]
    port: int = 0
    requests: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Return the URL of the API."""
        return f"http://127.0.0.1:{self.port}/"


@pytest.fixture
def service() -> Iterator[Service]:
    """Return an API that is served during the test."""
    service = Service([])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            service.requests.append((self.command, self.path, self._read_body().decode()))
            self.send_response(service.statuses.pop(0) if service.statuses else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b'{"state": "good"}')

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names that http.server calls

        def _read_body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            return body

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        service.port = server.server_port
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield service
        server.shutdown()
        thread.join()


@asynccontextmanager
async def open_api(root: Path, *endpoints: Endpoint) -> AsyncIterator[Api]:
    """Return a client in a stack whose only component declares these endpoints."""
    async with open_context(root, Component("one", "One.", declares=endpoints)) as ctx:
        yield Api(ctx, "token", "project")


async def test_a_wait_outlasts_server_errors(tmp_path: Path, service: Service) -> None:
    """An API whose neighbours are still starting returns 500; the request is repeated."""
    service.statuses = [500, 503, 500]
    async with open_api(tmp_path) as api:

        async def read_state() -> str:
            return str((await api.request("GET", service.url))["state"])

        assert await api.ctx.wait(read_state, within_s=10) == "good"
    assert len(service.requests) == 4


@pytest.mark.parametrize("status", [404, 500])
async def test_without_a_wait_an_error_fails_the_step(tmp_path: Path, service: Service, status: int) -> None:
    """The message contains the request and the response."""
    service.statuses = [status]
    async with open_api(tmp_path) as api:
        with pytest.raises(StepFailed, match=rf'^GET {service.url} returned {status}: {{"state": "good"}}$'):
            await api.request("GET", service.url)


async def test_a_wait_ends_at_a_client_error(tmp_path: Path, service: Service) -> None:
    """The request is not repeated."""
    service.statuses = [404, 404]
    async with open_api(tmp_path) as api:

        async def read_state() -> str:
            return str((await api.request("GET", service.url))["state"])

        with pytest.raises(StepFailed, match="returned 404"):
            await api.ctx.wait(read_state, within_s=10)
    assert len(service.requests) == 1


async def test_a_service_is_found_by_its_type(tmp_path: Path, service: Service) -> None:
    """Requests go to the endpoint that a component declares."""
    async with open_api(tmp_path, Endpoint("image", 1), Endpoint("volume", service.port, "/v3")) as api:
        assert await api.get("volume", "/volumes?name=a") == {"state": "good"}
        await api.post("volume", "/volumes", {"size": 1})
        await api.put("volume", "/volumes/1", {"size": 2})
        await api.delete("volume", "/volumes/1")
    assert [(method, path) for method, path, _ in service.requests] == [
        ("GET", "/v3/volumes?name=a"),
        ("POST", "/v3/volumes"),
        ("PUT", "/v3/volumes/1"),
        ("DELETE", "/v3/volumes/1"),
    ]
    assert [json.loads(body) for _, _, body in service.requests if body] == [{"size": 1}, {"size": 2}]


async def test_the_project_is_part_of_some_endpoints(tmp_path: Path) -> None:
    """The client substitutes the id of its project, as keystone does in the catalog."""
    async with open_api(tmp_path, Endpoint("orchestration", 8004, "/v1/$(project_id)s")) as api:
        assert api.url("orchestration", "/stacks") == "http://127.0.0.1:8004/v1/project/stacks"


async def test_an_undeclared_type_is_an_error(tmp_path: Path) -> None:
    """The error names the type."""
    async with open_api(tmp_path, Endpoint("image", 1)) as api:
        with pytest.raises(LookupError, match=r"^no component declares an endpoint of type volume$"):
            await api.get("volume", "/volumes")


async def test_a_file_is_uploaded(tmp_path: Path, service: Service) -> None:
    """The body of the request is the content of the file."""
    (tmp_path / "image").write_text("kernel")
    async with open_api(tmp_path, Endpoint("image", service.port)) as api:
        await api.put("image", "/v2/images/1/file", content=tmp_path / "image")
    assert service.requests == [("PUT", "/v2/images/1/file", "kernel")]


async def test_without_a_token_steps_wait(tmp_path: Path) -> None:
    """The administrator logs in when keystone is ready; until then a probe is not ready either."""
    async with open_context(tmp_path) as ctx:
        with pytest.raises(NotYet, match=r"^the administrator has not logged in to keystone yet$"):
            admin_api(ctx)
