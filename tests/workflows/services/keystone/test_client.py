"""The REST client, on an HTTP server with prepared responses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from novaflow.errors import StepFailed
from novaflow.model.component import Component
from novaflow.model.endpoint import Endpoint
from novaflow.model.probe import NotYet
from tests.support.contexts import open_context
from tests.support.rest import Request, RestServer
from workflows.services.keystone.client import Api, admin_api


@asynccontextmanager
async def open_api(root: Path, *endpoints: Endpoint) -> AsyncIterator[Api]:
    """Return a client in a stack whose only component declares these endpoints."""
    async with open_context(root, Component("one", "One.", declares=endpoints)) as ctx:
        yield Api(ctx, "token", "project")


async def test_a_wait_outlasts_server_errors(tmp_path: Path, rest: RestServer) -> None:
    """An API whose neighbours are still starting returns 500; the request is repeated."""
    for status in (500, 503, 500, 200):
        rest.respond("GET", "/", {"state": "good"}, status=status)
    async with open_api(tmp_path) as api:

        async def read_state() -> str:
            return str((await api.request("GET", f"{rest.url}/"))["state"])

        assert await api.ctx.wait(read_state, within_s=10) == "good"
    assert len(rest.requests) == 4


@pytest.mark.parametrize("status", [404, 500])
async def test_without_a_wait_an_error_fails_the_step(tmp_path: Path, rest: RestServer, status: int) -> None:
    """The message contains the request and the response."""
    rest.respond("GET", "/", {"state": "bad"}, status=status)
    async with open_api(tmp_path) as api:
        with pytest.raises(StepFailed, match=rf'^GET {rest.url}/ returned {status}: {{"state": "bad"}}$'):
            await api.request("GET", f"{rest.url}/")


async def test_a_wait_ends_at_a_client_error(tmp_path: Path, rest: RestServer) -> None:
    """The request is not repeated."""
    async with open_api(tmp_path) as api:

        async def read_state() -> str:
            return str((await api.request("GET", f"{rest.url}/"))["state"])

        with pytest.raises(StepFailed, match="returned 404"):
            await api.ctx.wait(read_state, within_s=10)
    assert len(rest.requests) == 1


async def test_a_service_is_found_by_its_type(tmp_path: Path, rest: RestServer) -> None:
    """Requests go to the endpoint that a component declares."""
    rest.respond("GET", "/v3/volumes?name=a", {"volumes": []})
    rest.respond("POST", "/v3/volumes")
    rest.respond("PUT", "/v3/volumes/1")
    rest.respond("DELETE", "/v3/volumes/1")
    async with open_api(tmp_path, Endpoint("image", 1), Endpoint("volume", rest.port, "/v3")) as api:
        assert await api.get("volume", "/volumes?name=a") == {"volumes": []}
        await api.post("volume", "/volumes", {"size": 1})
        await api.put("volume", "/volumes/1", {"size": 2})
        await api.delete("volume", "/volumes/1")
    assert rest.requests == [
        Request("GET", "/v3/volumes?name=a"),
        Request("POST", "/v3/volumes", {"size": 1}),
        Request("PUT", "/v3/volumes/1", {"size": 2}),
        Request("DELETE", "/v3/volumes/1"),
    ]


async def test_the_project_is_part_of_some_endpoints(tmp_path: Path) -> None:
    """The client substitutes the id of its project, as keystone does in the catalog."""
    async with open_api(tmp_path, Endpoint("orchestration", 8004, "/v1/$(project_id)s")) as api:
        assert api.url("orchestration", "/stacks") == "http://127.0.0.1:8004/v1/project/stacks"


async def test_an_undeclared_type_is_an_error(tmp_path: Path) -> None:
    """The error names the type."""
    async with open_api(tmp_path, Endpoint("image", 1)) as api:
        with pytest.raises(LookupError, match=r"^no component declares an endpoint of type volume$"):
            await api.get("volume", "/volumes")


async def test_a_file_is_uploaded(tmp_path: Path, rest: RestServer) -> None:
    """The body of the request is the content of the file."""
    (tmp_path / "image").write_text("kernel")
    rest.respond("PUT", "/v2/images/1/file")
    async with open_api(tmp_path, Endpoint("image", rest.port)) as api:
        await api.put("image", "/v2/images/1/file", content=tmp_path / "image")
    assert rest.requests == [Request("PUT", "/v2/images/1/file", "kernel")]


@pytest.mark.parametrize(("service_types", "url"), [(("volumev3", "block-storage"), "http://public"), (("object-store",), None)])
async def test_the_catalog_has_public_urls(tmp_path: Path, rest: RestServer, service_types: tuple[str, ...], url: str | None) -> None:
    """The result is the public URL of a service of one of the types, ``None`` without such a service."""
    endpoints = [{"interface": "internal", "url": "http://internal"}, {"interface": "public", "url": "http://public"}]
    rest.respond("GET", "/v3/auth/catalog", {"catalog": [{"type": "image"}, {"type": "block-storage", "endpoints": endpoints}]})
    async with open_api(tmp_path, Endpoint("identity", rest.port, "/v3")) as api:
        assert await api.find_public_url(service_types) == url


async def test_without_a_token_steps_wait(tmp_path: Path) -> None:
    """The administrator logs in when keystone is ready; until then a probe is not ready either."""
    async with open_context(tmp_path) as ctx:
        with pytest.raises(NotYet, match=r"^the administrator has not logged in to keystone yet$"):
            admin_api(ctx)
