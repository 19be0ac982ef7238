"""The status as the standard library fetches it, from supervisors and from other programs."""

# ruff: noqa: S603, TID251 - tests start a program that is known, as another user

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from novaflow.adapters.control.quick_status import fetch_status_quickly
from novaflow.model.paths import Paths
from tests.adapters.control.test_control import Supervisor
from tests.security.attacker import UID, require_root
from tests.support.programs import WITHIN_S, python

STATUS = 'HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{"state": "ready"}'
SERVER = """
import socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("ready", flush=True)
while True:
    connected = listener.accept()[0]
    connected.recv(1000)
    connected.send(sys.argv[2].encode())
    connected.close()
"""


@contextmanager
def serving(path: Path, answer: str, user: int) -> Iterator[None]:
    """Answer requests on a socket, in a program of that user, during the block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.chown(path.parent, user, -1)
    with subprocess.Popen(python(SERVER, path, answer), stdout=subprocess.PIPE, user=user, cwd="/") as server:
        assert server.stdout
        assert server.stdout.readline() == b"ready\n"
        yield
        server.kill()
    path.unlink()


async def test_the_status_of_a_supervisor_is_fetched(paths: Paths) -> None:
    """It is what the other client returns."""
    supervisor = Supervisor(paths.control)
    async with supervisor.serve():
        fetched = await anyio.to_thread.run_sync(fetch_status_quickly, paths.control)
        assert fetched == await supervisor.client.fetch_status()


def test_a_program_of_this_user_is_believed(paths: Paths) -> None:
    """Without root, a supervisor runs as its user."""
    with serving(paths.control, STATUS, os.geteuid()):
        assert fetch_status_quickly(paths.control) == {"state": "ready"}


def test_a_program_of_another_user_is_not_believed() -> None:
    """Its user may have made the folder; the caller opens the stack, and names who can change it."""
    require_root()
    with tempfile.TemporaryDirectory() as folder:  # other users cannot enter those of pytest
        control = Path(folder, "control.sock")
        with serving(control, STATUS, UID):
            assert fetch_status_quickly(control) is None


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "nonsense\r\n\r\n",
        STATUS.replace("200 OK", "403 Forbidden"),
        STATUS.replace('"ready"}', '"ready" '),
        STATUS.replace("18", "30"),
        STATUS.replace('{"state": "ready"}', "[[1, 2, 3], 456789"),
    ],
)
def test_a_bad_answer_is_none(paths: Paths, answer: str) -> None:
    """The caller asks again."""
    with serving(paths.control, answer, os.geteuid()):
        assert fetch_status_quickly(paths.control) is None


def test_without_a_listener_there_is_no_status(paths: Paths) -> None:
    """The socket may be left from a killed supervisor, or its path too long for the kernel."""
    with serving(paths.control, STATUS, os.geteuid()):
        pass
    assert fetch_status_quickly(paths.control) is None
    assert fetch_status_quickly(paths.run / ("long" * 40)) is None


@pytest.mark.slow
async def test_a_program_that_does_not_answer_is_left_after_a_second(paths: Paths) -> None:
    """The caller asks again, and waits as long as the settings say."""
    async with await anyio.create_unix_listener(paths.control):
        with anyio.fail_after(WITHIN_S):
            assert await anyio.to_thread.run_sync(fetch_status_quickly, paths.control) is None
