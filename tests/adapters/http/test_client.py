"""HTTP requests to services, as a real server receives and answers them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from novaflow.adapters.http import HttpClient
from novaflow.model.context import HttpResponse
from novaflow.model.probe import NotYet
from tests.support.brokers import free_ports


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Send this answer to each request during the block; yield the address of the server and the requests."""
    requests: list[bytes] = []

    async def serve(connection: SocketStream) -> None:
        async with connection:
            requests.append(await connection.receive())
            if answer:
                await connection.send(answer)

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - not a database
        yield f"http://127.0.0.1:{port}/", requests
        tasks.cancel_scope.cancel()


async def get(url: str, **options: float) -> HttpResponse:
    """Send a request with a client of its own."""
    client = HttpClient(**options)  # type: ignore[arg-type]  # the options of the test are of several types
    try:
        with anyio.fail_after(5):
            return await client.request("GET", url)
    finally:
        await client.aclose()


def response(content_type: str, body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """Return the bytes of a response that ends the connection."""
    lines = (f"HTTP/1.1 {status}", f"content-type: {content_type}", f"content-length: {len(body)}", "connection: close", *headers)
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", b'{"a": [1]}', {"a": [1]}),
        ("application/cloudevents+json; charset=utf-8", b"[]", []),
        ("application/json", b"", None),
        ("application/json", b"OK", None),
        ("application/json", b'{"a": ', None),
        ("application/json", b"\xff\xfe{", None),
        ("text/plain", b'{"a": [1]}', None),
    ],
)
async def test_a_body_is_json_or_nothing(content_type: str, body: bytes, expected: object) -> None:
    """A server may name a type that its answer has not; the status counts."""
    async with answering(response(content_type, body)) as (url, _):
        answer = await get(url)
    assert (answer.status, answer.json) == (200, expected)


@pytest.mark.parametrize("status", ["302 Found", "404 Not Found", "503 Busy"])
async def test_every_status_is_an_answer(status: str) -> None:
    """A redirection is not followed."""
    async with answering(response("text/plain", b"no", status, "location: /other", "X-Subject-Token: t")) as (url, requests):
        answer = await get(url)
    assert (answer.status, answer.headers["x-subject-token"], len(requests)) == (int(status[:3]), "t", 1)


async def test_a_body_that_cannot_be_decompressed_is_no_answer() -> None:
    """A wait for the service goes on; the reason names the request."""
    broken = response("text/plain", b"not compressed", "200 OK", "content-encoding: gzip")
    async with answering(broken) as (url, _):
        with pytest.raises(NotYet, match=f"^GET {url}: "):
            await get(url)


async def test_a_connection_that_is_refused_is_no_answer() -> None:
    """The reason names method, address and error."""
    (port,) = free_ports(1)
    with pytest.raises(NotYet, match=rf"^GET http://127\.0\.0\.1:{port}/: All connection attempts failed$"):
        await get(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(("answer", "reason"), [(b"", "Server disconnected"), (b"RFB 003.008\r\n\r\n", "illegal status line")])
async def test_another_protocol_is_no_answer(answer: bytes, reason: str) -> None:
    """A port may belong to another program."""
    async with answering(answer) as (url, _):
        with pytest.raises(NotYet, match=reason):
            await get(url)


async def test_a_server_that_is_silent_is_no_answer() -> None:
    """The error of a timeout has no text, so its name is the reason."""
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - not a database
        with pytest.raises(NotYet, match=rf"^GET http://127\.0\.0\.1:{port}/: ReadTimeout$"):
            await get(f"http://127.0.0.1:{port}/", timeout_s=0.05)


async def test_no_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the user does not reach the services of the stack."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")
    async with answering(response("text/plain", b"ok")) as (url, _):
        assert (await get(url)).status == 200
