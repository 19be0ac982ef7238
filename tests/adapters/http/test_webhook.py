"""The webhook: events are posted in order until the server accepts them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import anyio
import anyio.abc
from structlog.testing import capture_logs

from novaflow.adapters.http import HttpClient, Webhook
from novaflow.events.record import EventRecord
from novaflow.events.types import StackChanged, StackState
from novaflow.model.probe import Backoff
from tests.support.brokers import free_ports

EVENT = EventRecord(
    id="01J",
    sequence=7,
    time=datetime(2026, 11, 22, tzinfo=UTC),
    source="/novaflow/host/nova",
    run_id="r",
    event=StackChanged(name="nova", state=StackState.READY, reason="all is up"),
)
NO_WAIT = Backoff(first_s=0, most_s=0)


@asynccontextmanager
async def answering(*statuses: int, port: int = 0) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Run a web server with these answers during the block; yield its address and the requests."""
    requests: list[bytes] = []
    remaining = iter(statuses)

    async def answer(guest: anyio.abc.SocketStream) -> None:
        async with guest:
            request = b""
            while EVENT.encode() not in request:
                request += await guest.receive()
            requests.append(request)
            await guest.send(b"HTTP/1.1 %d So\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % next(remaining))

    async with await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port) as listener, anyio.create_task_group() as tg:
        tg.start_soon(listener.serve, answer)
        address = listener.extra(anyio.abc.SocketAttribute.local_address)  # noqa: S610 - not a database
        yield f"http://127.0.0.1:{address[1]}/", requests
        tg.cancel_scope.cancel()


async def post(url: str) -> bool:
    """Post the event."""
    client = HttpClient()
    try:
        with anyio.fail_after(5):
            return await Webhook(url, client, backoff=NO_WAIT).post(EVENT)
    finally:
        await client.aclose()


async def test_an_event_is_posted_as_a_cloudevent() -> None:
    """The content type is that of structured mode, the body is the event."""
    async with answering(204) as (url, requests):
        assert await post(url)
    assert b"content-type: application/cloudevents+json; charset=utf-8" in requests[0].lower()


async def test_a_server_error_is_retried() -> None:
    """Errors of the server and its rate limits are waited out, and logged once."""
    with capture_logs() as logs:
        async with answering(503, 429, 500, 200) as (url, requests):
            assert await post(url)
    assert len(requests) == 4
    assert [(entry["event"], entry["reason"]) for entry in logs] == [("webhook.waiting", "it answered 503")]


async def test_a_rejected_event_is_skipped() -> None:
    """A retry would delay all later events."""
    with capture_logs() as logs:
        async with answering(400) as (url, requests):
            assert not await post(url)
    assert len(requests) == 1
    assert [(entry["event"], entry["status"]) for entry in logs] == [("webhook.refused", 400)]


async def test_an_unreachable_server_is_waited_for() -> None:
    """A refused connection is retried."""
    (port,) = free_ports(1)
    delivered: list[bool] = []

    async def deliver() -> None:
        delivered.append(await post(f"http://127.0.0.1:{port}/"))

    with capture_logs() as logs, anyio.fail_after(5):
        async with anyio.create_task_group() as tg:
            tg.start_soon(deliver)
            while not logs:  # noqa: ASYNC110 - structlog sets no anyio.Event
                await anyio.sleep(0.001)
            async with answering(200, port=port):
                while not delivered:  # noqa: ASYNC110 - the server must run until then
                    await anyio.sleep(0.001)
    assert delivered == [True]
