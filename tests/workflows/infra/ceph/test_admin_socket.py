"""Questions to Ceph's daemons, against a real Unix socket."""

from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketStream

from novaflow.model.probe import FunctionProbe, NotYet
from tests.support.contexts import open_context
from workflows.infra.ceph.admin_socket import version_probe

ANSWER = b'{"version":"16.2.15","release":"pacific"}'


async def probe(root: Path, answer: bytes) -> str:
    """Return what the probe of ``mon.a`` returns if the daemon sends this answer in two pieces."""

    async def serve(connection: SocketStream) -> None:
        async with connection:
            assert await connection.receive() == b'{"prefix": "version"}\0'
            await connection.send(answer[:2])
            await connection.send(answer[2:])

    (root / "run/ceph").mkdir(parents=True)
    check = version_probe("mon.a")
    assert isinstance(check, FunctionProbe)
    answers: list[str | NotYet] = []
    listener = await anyio.create_unix_listener(root / "run/ceph/ceph-mon.a.asok")
    async with open_context(root) as ctx, listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        try:
            answers.append(await check.check(ctx))
        except NotYet as error:
            answers.append(error)
        tasks.cancel_scope.cancel()
    if isinstance(answers[0], NotYet):
        raise answers[0]
    return answers[0]


async def test_a_daemon_that_answers_is_alive(tmp_path: Path) -> None:
    """The version is part of the answer."""
    assert await probe(tmp_path, len(ANSWER).to_bytes(4) + ANSWER) == "mon.a answered version with 16.2.15"


@pytest.mark.parametrize("answer", [b"\0\0\0\x09", b"\0\0\0\x04null", b"\0\0\0\x02{]"])
async def test_an_incomplete_or_other_answer_is_not_alive(tmp_path: Path, answer: bytes) -> None:
    """The message names the socket."""
    with pytest.raises(NotYet, match=r"no answer from .*/ceph-mon\.a\.asok"):
        await probe(tmp_path, answer)


async def test_a_daemon_without_socket_is_not_alive(tmp_path: Path) -> None:
    """The message has the reason of the system."""
    async with open_context(tmp_path) as ctx:
        with pytest.raises(NotYet, match="No such file or directory"):
            await version_probe("osd.0").check(ctx)
