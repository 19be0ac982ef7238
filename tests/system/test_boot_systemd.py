"""`novaflow boot` with a real systemd, which runs in namespaces."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import psutil
import pytest

from novaflow.adapters.process import ProcessOwner, find_processes
from tests.support.programs import is_running
from tests.system.private_machine import PrivateMachine, missing_for_systemd, require

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

IMPATIENT = "[Service]\nWatchdogSec=2\nTimeoutAbortSec=1\nRestartSec=100ms\n"


@pytest.fixture
async def machine(tmp_path: Path, port: int) -> AsyncIterator[PrivateMachine]:
    """Return a machine on which systemd runs, with an installed stack that starts at boot; its watchdog is impatient."""
    require(missing_for_systemd())
    folder = tmp_path / "a %d$x'"  # systemd and the shell give these characters a meaning
    folder.mkdir()
    machine = PrivateMachine(folder, port)
    machine.toy.installed()
    async with machine.booted():
        on = await machine.toy.call("boot", "on")
        assert on.code == 0, on
        write_setting(machine, IMPATIENT)
        await machine.run("systemctl", "daemon-reload")
        yield machine
    assert find_processes(ProcessOwner(machine.toy.paths)) == ()


def write_setting(machine: PrivateMachine, text: str) -> None:
    """Add settings to the unit, as an administrator does."""
    folder = machine.folder / f"systemd/system/{unit_of(machine)}.d"
    folder.mkdir(exist_ok=True)
    (folder / "test.conf").write_text(text)


def unit_of(machine: PrivateMachine) -> str:
    """Return the name of the stack's unit."""
    return next((machine.folder / "systemd/system").glob("novaflow-*.service")).name


async def show(machine: PrivateMachine, name: str) -> str:
    """Return a property of the unit."""
    return (await machine.run("systemctl", "show", "--value", f"--property={name}", unit_of(machine))).out.strip()


async def wait_shown(machine: PrivateMachine, name: str, value: str) -> None:
    """Wait until a property of the unit has that value."""
    with anyio.fail_after(30):
        while await show(machine, name) != value:  # noqa: ASYNC110 - another process changes it
            await anyio.sleep(0.05)


async def test_systemd_replaces_a_supervisor_that_exits_or_hangs(machine: PrivateMachine) -> None:
    """The unit is active when the stack is ready; each new supervisor adopts the service, which keeps its process."""
    toy = machine.toy
    started = await machine.run("systemctl", "start", unit_of(machine))
    assert started.code == 0, started
    assert (await show(machine, "ActiveState"), await show(machine, "StatusText")) == (
        "active",
        "ready: the last step is done and every service is ready",
    )
    web = find_service(machine)
    assert f"/{unit_of(machine)}/novaflow-" in Path(f"/proc/{web.pid}/cgroup").read_text()
    find_supervisor(machine).kill()
    await wait_shown(machine, "NRestarts", "1")
    await wait_shown(machine, "ActiveState", "active")
    hanging = find_supervisor(machine)
    hanging.send_signal(signal.SIGSTOP)
    await wait_shown(machine, "NRestarts", "2")
    await wait_shown(machine, "ActiveState", "active")
    assert not is_running(hanging.pid)
    assert find_service(machine) == web
    assert (await toy.call("status")).code == 0
    adopted = (await toy.call("events", "--kind", "service", "--state", "adopted", "--json")).out
    assert len(adopted.splitlines()) == 2
    stopped = await machine.run("systemctl", "stop", unit_of(machine))
    assert stopped.code == 0
    assert (await show(machine, "ActiveState"), await show(machine, "Result")) == ("inactive", "success")
    assert not web.is_running()
    assert (await toy.call("status")).code == 6


def find_service(machine: PrivateMachine) -> psutil.Process:
    """Return the process of the service ``web``; its pid is that of this machine."""
    (found,) = find_processes(ProcessOwner(machine.toy.paths, "web"))
    return found


def find_supervisor(machine: PrivateMachine) -> psutil.Process:
    """Return the process of the supervisor."""
    (found,) = (one for one in psutil.process_iter(["cmdline"]) if {"supervise", str(machine.toy.root)} <= {*(one.info["cmdline"] or ())})
    return found


async def test_the_stack_is_back_after_a_power_cut(machine: PrivateMachine) -> None:
    """Everything is killed at once; the next boot brings the stack up without a command."""
    await machine.run("systemctl", "start", unit_of(machine))
    before = find_service(machine)
    await machine.cut_power()
    assert not is_running(before.pid)
    async with machine.booted():
        await wait_shown(machine, "ActiveState", "active")
        assert (await machine.toy.call("status")).code == 0
        assert find_service(machine) != before


async def test_clean_ends_the_unit(machine: PrivateMachine) -> None:
    """Systemd does not start the stack again; while it runs the stack, `off` is refused."""
    await machine.run("systemctl", "start", unit_of(machine))
    refused = await machine.toy.call("boot", "off")
    assert refused.code == 2
    assert "is active; stop the stack with `novaflow clean` first" in refused.err
    assert (await machine.toy.call("clean")).code == 0
    await wait_shown(machine, "ActiveState", "inactive")
    assert await show(machine, "NRestarts") == "0"
    assert (await machine.toy.call("boot", "off")).code == 0
    assert [path for path in machine.files if not path.endswith("test.conf")] == []
    assert (await machine.run("systemctl", "list-units", "--all", "--no-legend", "novaflow-*")).out == ""


async def test_clean_prevents_a_restart_that_is_due(machine: PrivateMachine) -> None:
    """The supervisor has crashed, and systemd waits before it starts a new one; `clean` stops the services for good."""
    write_setting(machine, "[Service]\nRestartSec=1h\n")
    await machine.run("systemctl", "daemon-reload")
    await machine.run("systemctl", "start", unit_of(machine))
    find_supervisor(machine).kill()
    await wait_shown(machine, "SubState", "auto-restart")
    assert "is activating" in (await machine.toy.call("boot", "off")).err
    assert (await machine.toy.call("clean")).code == 0
    assert await show(machine, "ActiveState") == "inactive"
    assert find_processes(ProcessOwner(machine.toy.paths)) == ()
