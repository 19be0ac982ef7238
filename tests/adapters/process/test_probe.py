"""Readiness: asked until there is an answer, and of nobody else."""

import os
import socket
from collections.abc import Iterator

import anyio
import pytest

from novaflow.adapters.process.probe import find_listener, is_served_by, wait_answer
from novaflow.adapters.process.process_ownership import ProcessOwner
from novaflow.adapters.process.programs import Command, running
from novaflow.errors import NotReady
from novaflow.model.probe import Backoff, NotYet
from tests.support.programs import WITHIN_S, python, wait_for_text

NO_WAIT = Backoff(first_s=0, most_s=0)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Listen on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


async def test_it_is_asked_until_it_answers() -> None:
    """Refusals are passed over, and the answer comes back."""
    refusals = iter(["refused", "starting"])

    async def ask() -> str:
        for refusal in refusals:
            raise NotYet(refusal)
        return "answered"

    assert await wait_answer(ask, name="web", within_s=WITHIN_S, backoff=NO_WAIT) == "answered"


async def test_the_last_refusal_says_why_it_is_not_ready() -> None:
    """The error names who, how long, and what was answered last."""

    async def ask() -> str:
        raise NotYet("connection refused on 127.0.0.1:80")

    with pytest.raises(NotReady, match=r"^web not ready after 0\.01 s: connection refused on 127\.0\.0\.1:80$"):
        await wait_answer(ask, name="web", within_s=0.01, backoff=NO_WAIT)


async def test_a_question_that_is_never_answered_is_cut_off() -> None:
    """One try may not take longer than all of them."""

    async def ask() -> str:
        await anyio.sleep_forever()
        raise AssertionError

    with anyio.fail_after(WITHIN_S), pytest.raises(NotReady, match="no answer"):
        await wait_answer(ask, name="web", within_s=0.01, backoff=NO_WAIT)


def test_whoever_listens_is_found(listener: socket.socket) -> None:
    """By port and address, so that the message can name program and process."""
    found = find_listener(listener.getsockname()[1], "127.0.0.1")
    assert found is not None
    assert found.pid == os.getpid()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_whoever_listens_everywhere_is_in_the_way(host: str) -> None:
    """An address of our own cannot be listened on beside one that means all."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        assert find_listener(listener.getsockname()[1], "127.0.0.1") is not None


def test_who_listens_elsewhere_is_not_in_the_way(listener: socket.socket) -> None:
    """Another address of this machine has the port to itself."""
    assert find_listener(listener.getsockname()[1], "127.0.0.2") is None


def test_a_free_port_has_no_listener(listener: socket.socket) -> None:
    """As soon as nobody listens any more."""
    port = listener.getsockname()[1]
    listener.close()
    assert find_listener(port, "127.0.0.1") is None


def test_a_port_of_ones_own_is_ones_own(owner: ProcessOwner, listener: socket.socket) -> None:
    """A process serves the port that it listens on."""
    assert is_served_by(listener.getsockname()[1], owner, os.getpid())


async def test_a_port_of_another_program_is_not_ones_own(owner: ProcessOwner, listener: socket.socket) -> None:
    """Last week's process must not pass for today's."""
    command = Command(python("import time; time.sleep(60)"), {}, owner.paths.run, owner.paths.log / "web.log", 0.1)
    async with running(owner, command) as process:
        assert not is_served_by(listener.getsockname()[1], owner, process.pid)


async def test_a_childs_port_is_ones_own(owner: ProcessOwner) -> None:
    """A server whose workers listen serves the port."""
    code = """
import os, socket, time
if os.fork() == 0:
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], "up", flush=True)
time.sleep(60)
"""
    output = owner.paths.log / "web.log"
    async with running(owner, Command(python(code), {}, owner.paths.run, output, 0.1)) as process:
        await wait_for_text(output, "up\n")
        assert is_served_by(int(output.read_text().split()[0]), owner, process.pid)
