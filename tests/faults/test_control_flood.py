"""Clients that are broken, silent or slow neither end the supervisor nor keep others out.

Done: requests that are not HTTP, or only nearly, are sent to the control socket of a stack, one after the other on eight
connections at a time; then many clients connect and send nothing, half a request, or one byte after the other.
How often: 500 malformed requests and 300 idle clients, more than the socket serves at once; 10,000 and 2,000 with ``FAULTS=long``.
Must hold: the supervisor keeps its process, the stack stays ready, `status` answers meanwhile, each idle client is disconnected,
every descriptor is free afterwards, and there is no traceback.
"""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import anyio
import psutil
import pytest
from anyio.abc import SocketStream

from novaflow.adapters.process import set_descriptor_limit
from tests.faults.scale import TIMEOUT_S, times
from tests.system.toy import Toy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(TIMEOUT_S)]

MALFORMED = times(500, 10_000)
IDLE = times(300, 2_000)
AT_ONCE = 8
ANSWERED_WITHIN_S = 30  # for what takes a millisecond on an idle machine

REQUEST = b"GET /status HTTP/1.1\r\nhost: supervisor\r\n\r\n"
Draw = Callable[[random.Random], bytes]
KINDS: tuple[Draw, ...] = (
    lambda draw: draw.randbytes(draw.randrange(1, 5000)),
    lambda draw: b"GET /" + b"x" * draw.randrange(70_000) + b" HTTP/1.1\r\n\r\n",
    lambda draw: b"GET /status HTTP/1.1\r\n" + b"a: b\r\n" * draw.randrange(20_000) + b"\r\n",
    lambda draw: b"POST /services/web/none HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\nab" % draw.randrange(3, 1 << 40),
    lambda _: b"POST /workflows/none HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc",
    lambda _: b"POST /workflows/%00%ff/../.. HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
    lambda draw: REQUEST + draw.randbytes(draw.randrange(1, 200)),
    lambda draw: REQUEST * draw.randrange(2, 60) + b"\0",
    lambda _: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    lambda _: b"GET /status HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    lambda draw: REQUEST[: draw.randrange(1, len(REQUEST))],
    lambda draw: bytes(draw.choice(REQUEST + b"\r\n\0\xff") for _ in REQUEST),
)


async def send_malformed(toy: Toy, draw: random.Random) -> None:
    """Send one malformed request, and read until the server closes the connection; some clients leave before."""
    async with await anyio.connect_unix(toy.paths.control) as client:
        with suppress(anyio.BrokenResourceError, anyio.EndOfStream):  # the server need not read all of it
            await client.send(draw.choice(KINDS)(draw))
            if draw.random() < 0.8:
                await client.send_eof()
                await read_to_end(client)


async def read_to_end(client: SocketStream) -> bytes:
    """Read until the server closes the connection."""
    content = b""
    with anyio.fail_after(ANSWERED_WITHIN_S), suppress(anyio.BrokenResourceError, anyio.EndOfStream):
        while True:
            content += await client.receive()
    return content


async def send_malformed_requests(toy: Toy, seed: int, count: int) -> None:
    """Send malformed requests one after the other."""
    draw = random.Random(seed)  # noqa: S311 - chooses bytes
    for _ in range(count):
        await send_malformed(toy, draw)


@asynccontextmanager
async def unharmed(toy: Toy) -> AsyncIterator[psutil.Process]:
    """Check that the supervisor and its services are the same after the block, with the same number of descriptors."""
    supervisor, before = await toy.supervisor(), (await toy.status())["services"]
    descriptors = supervisor.num_fds()
    yield supervisor
    assert (await toy.status())["services"] == before
    with anyio.fail_after(ANSWERED_WITHIN_S):
        while supervisor.num_fds() > descriptors:  # noqa: ASYNC110 - another process closes them
            await anyio.sleep(0.1)
    assert "Traceback" not in (toy.paths.log / "supervisor.log").read_text(errors="replace")


async def test_malformed_requests_are_refused(toy: Toy) -> None:
    """`status` answers between them."""
    await toy.ready()
    async with unharmed(toy):
        with anyio.fail_after(TIMEOUT_S):
            async with anyio.create_task_group() as senders:
                for seed in range(AT_ONCE):
                    senders.start_soon(send_malformed_requests, toy, seed, MALFORMED // AT_ONCE)
                for _ in range(20):
                    assert (await toy.status())["state"] == "ready"


async def test_idle_clients_are_disconnected(toy: Toy) -> None:
    """While they are connected, `status` answers; a client that sends slowly has no more time than one that sends nothing."""
    set_descriptor_limit()
    await toy.ready()
    async with unharmed(toy), anyio.create_task_group() as clients:
        for number in range(IDLE):
            client = await anyio.connect_unix(toy.paths.control)
            with suppress(anyio.BrokenResourceError):
                await client.send(REQUEST[: number % len(REQUEST)])
            clients.start_soon(partial(wait_disconnected, client))
            if number % 100 == 0:
                assert (await toy.status())["state"] == "ready"
        clients.start_soon(wait_slow_disconnected, toy)  # the youngest: not disconnected for being one too many
        assert (await toy.call("status")).code == 0


async def wait_disconnected(client: SocketStream) -> None:
    """Wait until the server closes the connection, without an answer."""
    async with client:
        assert await read_to_end(client) == b""


async def wait_slow_disconnected(toy: Toy) -> None:
    """Wait until the server closes the connection of a client that sends one byte after the other."""
    async with await anyio.connect_unix(toy.paths.control) as client:
        with anyio.fail_after(ANSWERED_WITHIN_S), pytest.raises(anyio.BrokenResourceError):
            await send_slowly(client)


async def send_slowly(client: SocketStream) -> None:
    """Send one byte after the other, without end."""
    while True:
        await client.send(b"G")
        await anyio.sleep(0.1)
