"""`up --foreground`, as a service manager runs it."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from tests.system.toy import WITHIN_S, Toy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

READY = {"READY=1", "STATUS=ready: the last step is done and every service is ready"}


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """Return the socket of a service manager."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as manager:
        manager.bind(str(tmp_path / "notify"))
        yield manager


async def wait_received(manager: socket.socket, text: str) -> set[str]:
    """Return the lines of the next message that contains the text."""
    with anyio.fail_after(WITHIN_S):
        while True:
            await anyio.wait_readable(manager)
            if text in (lines := {*manager.recv(4096).decode().splitlines()}):
                return lines


async def test_a_service_manager_learns_of_the_start_and_the_stop(toy: Toy, manager: socket.socket) -> None:
    """The supervisor is the process that was started; it reports that it is ready, that it works, and that it stops."""
    toy.installed()
    toy.added = {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "100000"}
    async with toy.calling("up", "--foreground") as up:
        assert await wait_received(manager, "READY=1") == READY
        assert (await toy.supervisor()).pid == up.pid
        for _ in range(3):
            assert await wait_received(manager, "WATCHDOG=1") == {"WATCHDOG=1"}
        up.terminate()
        assert await wait_received(manager, "STOPPING=1") == {"STOPPING=1", "STATUS=stopping: stop requested by SIGTERM"}
        assert await up.wait() == 0
    assert (await toy.call("status")).code == 6


async def test_a_start_after_a_crash_adopts(toy: Toy, manager: socket.socket) -> None:
    """The new supervisor is ready with the same process of the service."""
    web = (await (await toy.ready()).status())["services"][0]["pid"]
    (await toy.supervisor()).kill()
    await toy.wait_released()
    toy.added = {"NOTIFY_SOCKET": manager.getsockname()}
    async with toy.calling("up", "--foreground") as up:
        await wait_received(manager, "READY=1")
        assert (await toy.status())["services"][0]["pid"] == web
        up.terminate()
        assert await up.wait() == 0


async def test_a_stack_that_does_not_come_up_is_an_error(toy: Toy, manager: socket.socket) -> None:
    """The exit code is 3, so that the service manager can try again."""
    toy.installed()
    toy.add("raise SystemExit(7)")
    toy.added = {"NOTIFY_SOCKET": manager.getsockname()}
    assert (await toy.call("up", "--foreground")).code == 3
    assert await wait_received(manager, "STOPPING=1") == {"STOPPING=1", "STATUS=failed: failed: extra; everything was stopped"}


async def test_a_supervisor_in_the_background_reports_nothing(toy: Toy, manager: socket.socket) -> None:
    """The socket is that of another service, from which a user has called novaflow."""
    toy.added = {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "1000"}
    await toy.ready()
    assert (await toy.call("clean")).code == 0
    with pytest.raises(BlockingIOError):
        manager.recv(4096)


async def test_without_a_service_manager_it_is_a_program_in_the_foreground(toy: Toy) -> None:
    """As in a container: it ends with the signal that ends containers; its socket may also be missing."""
    toy.installed()
    toy.added = {"NOTIFY_SOCKET": str(toy.folder / "missing"), "WATCHDOG_USEC": "100000"}
    async with toy.calling("up", "--foreground") as up:
        await toy.wait_state("ready")
        up.send_signal(signal.SIGINT)
        assert await up.wait() == 0
    assert not toy.is_held


async def test_a_stack_that_runs_is_refused(toy: Toy) -> None:
    """Another supervisor holds it; the exit code is one with which systemd does not try again."""
    await toy.ready()
    ended = await toy.call("up", "--foreground")
    assert ended.code == 2
    assert "`novaflow clean` stops it" in ended.err


async def test_a_time_limit_is_refused(toy: Toy) -> None:
    """The service manager has one of its own."""
    ended = await toy.call("up", "--foreground", "--timeout", "5")
    assert ended.code == 2
    assert "--timeout cannot be used with --foreground" in ended.err
    assert not toy.root.exists()


async def test_a_supervisor_that_hangs_is_reported(toy: Toy) -> None:
    """It is distinguished from one that has crashed; each command says what to do, and that works."""
    web = (await (await toy.ready()).status())["services"][0]["pid"]
    supervisor = await toy.supervisor()
    supervisor.suspend()
    message = (
        f"the supervisor (pid {supervisor.pid}) does not answer on {toy.paths.control} within 5 s; the services continue;"
        f" if it stays so, end it with `kill -9 {supervisor.pid}`, then adopt the services with `novaflow up`"
    )
    status = await toy.call("status", "--json")
    assert (status.code, status.json["state"], status.json["reason"]) == (3, "failed", message)
    assert [service["state"] for service in status.json["services"]] == ["ready"]
    for words in (("up",), ("clean",), ("restart", "web"), ("verify",)):
        ended = await toy.call(*words)
        assert (ended.code, ended.err) == (3, f"novaflow: {message}\n")
    os.kill(supervisor.pid, signal.SIGKILL)
    await toy.wait_released()
    assert (await toy.call("up")).code == 0
    assert (await toy.status())["services"][0]["pid"] == web
