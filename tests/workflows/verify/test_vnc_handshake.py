"""The program that connects to a console, on a socket that plays the console proxy."""

import sys
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketAttribute

from workflows.verify import vnc_handshake

WITHIN_S = 20


@pytest.mark.slow
@pytest.mark.parametrize(
    ("response", "code", "output", "error"),
    [
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x82\x0cRFB 003.008\n", 0, "RFB 003.008", ""),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", 1, "", "the console proxy closed the connection: HTTP/1.1 403 Forbidden\r\n\r\n\n"),
    ],
)
async def test_the_version_of_the_console_is_printed(response: bytes, code: int, output: str, error: str) -> None:
    """A connection that the proxy closes before is an error with its response."""
    requests: list[str] = []
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:

        async def answer(client: anyio.abc.SocketStream) -> None:
            async with client:
                requests.append((await client.receive()).decode())
                await client.send(response)

        tasks.start_soon(listener.serve, answer)
        port = str(listener.extra(SocketAttribute.local_port))  # noqa: S610 - no database
        command = [sys.executable, str(Path(vnc_handshake.__file__)), "127.0.0.1", port, "/?token=one"]
        with anyio.fail_after(WITHIN_S):
            completed = await anyio.run_process(command, check=False)
        tasks.cancel_scope.cancel()
    assert (completed.returncode, completed.stdout.decode(), completed.stderr.decode()) == (code, output, error)
    assert requests[0].startswith("GET /?token=one HTTP/1.1\r\n")
