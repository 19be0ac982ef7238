"""The program that opens a console, on a socket that plays the console proxy."""

import sys
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketAttribute

from workflows.verify import vnc_handshake

WITHIN_S = 20
UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
VERSION, TYPES, ACCEPTED = b"\x82\x0cRFB 003.008\n", b"\x82\x02\x01\x01", b"\x82\x04\0\0\0\0"
SCREEN = b"\x82\x7e\0\x80" + b"\x02\xd0\x01\x90" + bytes(124)  # a frame with a length of two bytes
REJECTED = b"\x82\x0d\0\0\0\1\0\0\0\5wrong"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("response", "code", "output", "error"),
    [
        (UPGRADED + VERSION + TYPES + ACCEPTED + SCREEN, 0, "RFB 003.008, 720x400", ""),
        (UPGRADED + VERSION + TYPES + REJECTED, 1, "", "the console refused the console proxy: wrong\n"),
        (UPGRADED + VERSION, 1, "", "the console proxy closed the connection: \n"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", 1, "", "the console proxy refused the connection: HTTP/1.1 403 Forbidden\n"),
    ],
)
async def test_a_console_is_opened(response: bytes, code: int, output: str, error: str) -> None:
    """A proxy that refuses, a console that refuses and a closed connection are errors that say which it was."""
    requests: list[str] = []
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:

        async def answer(client: anyio.abc.SocketStream) -> None:
            async with client:
                requests.append((await client.receive()).decode())
                await client.send(response)
                await client.send_eof()
                async for _ in client:  # a reset would discard the response
                    pass

        tasks.start_soon(listener.serve, answer)
        port = str(listener.extra(SocketAttribute.local_port))  # noqa: S610 - no database
        command = [sys.executable, str(Path(vnc_handshake.__file__)), "127.0.0.1", port, "/?token=one"]
        with anyio.fail_after(WITHIN_S):
            completed = await anyio.run_process(command, check=False)
        tasks.cancel_scope.cancel()
    assert (completed.returncode, completed.stdout.decode(), completed.stderr.decode()) == (code, output, error)
    assert requests[0].startswith("GET /?token=one HTTP/1.1\r\n")
