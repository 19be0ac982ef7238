"""Messages to a service manager, on real sockets."""

import secrets
import socket
from pathlib import Path

import anyio
import pytest
from structlog.testing import capture_logs

from novaflow.adapters.init_system import ServiceManager


@pytest.mark.parametrize("is_abstract", [False, True])
def test_messages_arrive(tmp_path: Path, *, is_abstract: bool) -> None:
    """The address is a path or, with a leading @, a name in the abstract namespace."""
    name = f"@novaflow-test-{secrets.token_hex(8)}" if is_abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as receiver:
        receiver.bind(name.replace("@", "\0", 1) if is_abstract else name)
        manager = ServiceManager(name)
        manager.report_ready("it is up")
        manager.report_status("degraded")
        manager.report_stopping("bye")
        received = [receiver.recv(4096) for _ in range(3)]
    assert received == [b"READY=1\nSTATUS=it is up", b"STATUS=degraded", b"STOPPING=1\nSTATUS=bye"]


async def test_without_a_service_manager_nothing_is_sent() -> None:
    """No error, no log entry, and no task that waits."""
    with capture_logs() as logs, anyio.fail_after(5):
        ServiceManager().report_ready("it is up")
        await ServiceManager().send_keep_alives()
    assert logs == []


def test_a_service_manager_that_is_away_is_logged(tmp_path: Path) -> None:
    """The supervisor continues."""
    with capture_logs() as logs:
        ServiceManager(str(tmp_path / "missing")).report_ready("it is up")
    assert [entry["event"] for entry in logs] == ["service_manager.unreachable"]


async def test_keep_alives_are_sent_in_time(tmp_path: Path) -> None:
    """The first at once, and the next before the time of the watchdog is over, until the task is cancelled."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ServiceManager(str(tmp_path / "notify"), watchdog_s=0.01).send_keep_alives)
            with anyio.fail_after(5):
                for _ in range(3):
                    await anyio.wait_readable(receiver)
                    assert receiver.recv(4096) == b"WATCHDOG=1"
            tasks.cancel_scope.cancel()


async def test_a_manager_without_a_watchdog_gets_no_keep_alives(tmp_path: Path) -> None:
    """The task ends at once."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        with anyio.fail_after(5):
            await ServiceManager(str(tmp_path / "notify")).send_keep_alives()
        with pytest.raises(BlockingIOError):
            receiver.recv(4096)


def test_a_status_of_any_length_and_script_is_sent(tmp_path: Path) -> None:
    """One datagram holds it."""
    status = "größer " * 500
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        ServiceManager(str(tmp_path / "notify")).report_status(status)
        assert receiver.recv(1 << 16).decode() == f"STATUS={status}"
