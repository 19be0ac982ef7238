"""Sends commands to a Ceph daemon over its admin socket, which is faster than to start the program `ceph`.

Source: Ceph's src/common/admin_socket.cc; a request is JSON and a zero byte, the answer a length of four bytes and JSON.
"""

import json
from pathlib import Path
from typing import Any

import anyio

from novaflow.model.context import Context
from novaflow.model.probe import FunctionProbe, NotYet

_LENGTH_BYTES = 4
_LONGEST = 1 << 16  # bytes of one read; answers have a few hundred


def version_probe(daemon: str) -> FunctionProbe:
    """Return a probe that asks the daemon, such as ``mon.a``, for its version."""

    async def check(ctx: Context) -> str:
        return f"{daemon} answered version with {(await ask_daemon(ctx, daemon, 'version'))['version']}"

    return FunctionProbe(check, "version over its admin socket")


async def ask_daemon(ctx: Context, daemon: str, command: str) -> dict[str, Any]:
    """Send a command to a daemon, such as ``mon.a``, and return its answer.

    Raises: NotYet, if there is no complete answer.
    """
    path = ctx.paths.run / "ceph" / f"ceph-{daemon}.asok"
    try:
        return await _request(path, json.dumps({"prefix": command}).encode() + b"\0")
    except (OSError, anyio.EndOfStream, anyio.BrokenResourceError, ValueError) as error:
        raise NotYet(f"no answer from {path}: {error}") from error


async def _request(path: Path, request: bytes) -> dict[str, Any]:
    async with await anyio.connect_unix(path) as connection:
        await connection.send(request)
        answer = b""
        while len(answer) < _LENGTH_BYTES or len(answer) < _LENGTH_BYTES + int.from_bytes(answer[:_LENGTH_BYTES]):
            answer += await connection.receive(_LONGEST)
    decoded = json.loads(answer[_LENGTH_BYTES:])
    if not isinstance(decoded, dict):
        message = f"expected an object, found {decoded!r}"
        raise ValueError(message)  # noqa: TRY004 - as json.loads raises for invalid content
    return decoded
