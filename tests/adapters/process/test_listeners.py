"""The process that listens on a port."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import anyio
import pytest

from novaflow.adapters.process import Command, ListeningPorts, ProcessOwner, ServedPorts, find_listener, running
from novaflow.adapters.process.listeners import read_listeners
from tests.support.programs import WITHIN_S, python, wait_for_text


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Listen on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_a_listener_is_found(listener: socket.socket) -> None:
    """The process that listens on a port at an address is returned."""
    found = find_listener(listener.getsockname()[1], "127.0.0.1")
    assert found is not None
    assert found.pid == os.getpid()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_listener_on_all_addresses_is_found(host: str) -> None:
    """It occupies the port at every address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        assert find_listener(listener.getsockname()[1], "127.0.0.1") is not None


def test_a_listener_on_another_address_is_ignored(listener: socket.socket) -> None:
    """Each address has its own ports."""
    assert find_listener(listener.getsockname()[1], "127.0.0.2") is None


def test_a_free_port_has_no_listener(listener: socket.socket) -> None:
    """A closed socket does not count."""
    port = listener.getsockname()[1]
    listener.close()
    assert find_listener(port, "127.0.0.1") is None


def test_every_listener_of_this_machine_is_read() -> None:
    """Those of both families, with their addresses, also when they do not fit into one answer of the kernel."""
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.create_server((f"127.0.{each // 250}.{each % 250 + 1}", 0))) for each in range(700)]
        six = opened.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6))
        expected = {(each.getsockname()[:2], os.fstat(each.fileno()).st_ino) for each in (*sockets, six)}
        found = {((each.address, each.port), int(each.descriptor[len("socket:[") : -1])) for each in read_listeners()}
    assert expected <= found


async def test_a_port_is_waited_for() -> None:
    """All who wait for one share what was read."""
    ports, listening = ListeningPorts(), anyio.Event()
    with socket.socket() as listener, anyio.fail_after(WITHIN_S):
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]

        async def wait() -> None:
            await ports.wait_for(port)
            assert listening.is_set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            listening.set()
            listener.listen()


def test_a_process_serves_its_own_port(owner: ProcessOwner, listener: socket.socket) -> None:
    """A process serves the port that it listens on."""
    assert ServedPorts(owner, os.getpid()).include(listener.getsockname()[1])


def test_a_process_does_not_serve_a_port_that_it_has_closed(owner: ProcessOwner, listener: socket.socket) -> None:
    """Also if it did before, and another socket has the same descriptor now."""
    port, descriptor = listener.getsockname()[1], listener.fileno()
    ports = ServedPorts(owner, os.getpid())
    assert [ports.include(port) for _ in range(2)] == [True, True]
    listener.close()
    assert not ports.include(port)
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert other.fileno() == descriptor
        assert not ports.include(port)
        assert ports.include(other.getsockname()[1])


async def test_the_port_of_another_program_does_not_count(owner: ProcessOwner, listener: socket.socket) -> None:
    """A program of an earlier run must not pass for the new one."""
    command = Command(python("import time; time.sleep(60)"), {}, owner.paths.run, owner.paths.log / "web.log", 0.1)
    async with running(owner, command) as process:
        assert not ServedPorts(owner, process.pid).include(listener.getsockname()[1])


async def test_the_port_of_a_child_counts(owner: ProcessOwner) -> None:
    """A server may listen in its worker processes."""
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
        assert ServedPorts(owner, process.pid).include(int(output.read_text().split()[0]))


async def test_a_process_that_forks_all_the_time_serves_its_port(owner: ProcessOwner) -> None:
    """A child that exits while the processes are listed does not hide the others."""
    code = """
import os, socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], "up", flush=True)
for _ in range(2):
    if os.fork() == 0:
        break
while True:
    if os.fork() == 0:
        os._exit(0)
    os.wait()
"""
    output = owner.paths.log / "web.log"
    async with running(owner, Command(python(code), {}, owner.paths.run, output, 0.1)) as process:
        await wait_for_text(output, "up\n")
        port = int(output.read_text().split()[0])
        assert [ServedPorts(owner, process.pid).include(port) for _ in range(150)] == [True] * 150
