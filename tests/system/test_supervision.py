"""A stack keeps running: restarts, adoption after a crash of the supervisor, and healing; all with real processes."""

import os
import signal
import sys
from typing import Any

import anyio
import psutil
import pytest

from novaflow.adapters.process import ProcessOwner, find_processes
from tests.support.programs import is_running
from tests.system.test_handling import NEEDY
from tests.system.toy import Toy

pytestmark = pytest.mark.slow


async def web_of(toy: Toy) -> dict[str, Any]:
    """Return the status of the service ``web``."""
    return dict(next(service for service in (await toy.status())["services"] if service["name"] == "web"))


async def test_a_killed_service_is_restarted(toy: Toy) -> None:
    """The stack is degraded until the service is ready again, without a command of the user."""
    await toy.ready()
    killed = (await web_of(toy))["pid"]
    os.kill(killed, signal.SIGKILL)
    await toy.wait_published("novaflow.stack.ready", times=2)
    web = await web_of(toy)
    assert (web["state"], web["restarts"]) == ("ready", 1)
    assert web["pid"] != killed
    events = (await toy.call("events", "--kind", "stack", "--state", "degraded", "--json")).out
    assert "web is not ready: web was killed by signal 9" in events


async def test_a_suspended_service_is_restarted(toy: Toy) -> None:
    """A process that a signal has suspended does not answer; it is replaced."""
    await toy.ready()
    suspended = (await web_of(toy))["pid"]
    os.kill(suspended, signal.SIGSTOP)
    await toy.wait_published("novaflow.stack.ready", times=2)
    assert (await web_of(toy))["pid"] != suspended
    assert not psutil.pid_exists(suspended)


async def test_up_adopts_what_a_killed_supervisor_left(toy: Toy) -> None:
    """The service keeps its process; no step runs again; the new supervisor stops everything as usual."""
    await toy.ready()
    web = (await web_of(toy))["pid"]
    (await toy.supervisor()).kill()
    await toy.wait_released()
    crashed = await toy.call("status")
    assert crashed.code == 3
    assert "has crashed; adopt its services with `novaflow up`" in " ".join(crashed.out.split())
    up = await toy.call("up")
    assert up.code == 0, up
    assert "was already running" in up.out
    status = await web_of(toy)
    assert (status["pid"], status["state"], status["restarts"]) == (web, "ready", 0)
    skipped = (await toy.call("events", "--kind", "step", "--state", "skipped", "--json")).out
    assert "done before the supervisor was replaced" in skipped
    assert (await toy.call("clean")).code == 0
    assert not is_running(web)
    assert find_processes(ProcessOwner(toy.paths)) == ()


async def test_an_adopted_service_is_restarted_too(toy: Toy) -> None:
    """The exit of a process that another supervisor has started is noticed."""
    await toy.ready()
    web = (await web_of(toy))["pid"]
    (await toy.supervisor()).kill()
    await toy.wait_released()
    assert (await toy.call("up")).code == 0
    os.kill(web, signal.SIGKILL)
    await toy.wait_published("novaflow.service.restarted")
    await toy.wait_published("novaflow.stack.ready", times=3)
    assert (await web_of(toy))["pid"] != web


async def test_adopted_services_survive_the_exit_of_a_need(toy: Toy) -> None:
    """The supervisor checks an adopted service again when its need is back."""
    toy.write("components/needy.py", NEEDY)
    await toy.ready()
    (await toy.supervisor()).kill()
    await toy.wait_released()
    assert (await toy.call("up")).code == 0
    os.kill((await web_of(toy))["pid"], signal.SIGKILL)
    await toy.wait_published("novaflow.stack.ready", times=3)
    status = await toy.status()
    assert {service["name"]: (service["state"], service["restarts"]) for service in status["services"]} == {
        "web": ("ready", 1),
        "needy": ("ready", 0),
    }


async def test_the_supervisor_ignores_packages_in_the_current_folder(toy: Toy) -> None:
    """Another package called novaflow may be there, of another user."""
    (toy.folder / "novaflow").mkdir()
    (toy.folder / "novaflow/__init__.py").write_text("raise SystemExit('another package')")
    command = [sys.executable, "-P", "-m", "novaflow.cli.main", "run", "--wait-ready"]
    toy.installed()
    ended = await anyio.run_process(command, check=False, cwd=toy.folder, env=toy.env)
    assert ended.returncode == 0, ended.stderr.decode()


async def test_up_starts_a_service_that_died_with_the_supervisor(toy: Toy) -> None:
    """Of two services the running one is adopted and the other one is started."""
    toy.add("import time; time.sleep(600)", answer="awake")
    await toy.ready()
    pids = {service["name"]: service["pid"] for service in (await toy.status())["services"]}
    (await toy.supervisor()).kill()
    await toy.wait_released()
    os.kill(pids["extra"], signal.SIGKILL)
    assert (await toy.call("up")).code == 0
    now = {service["name"]: service["pid"] for service in (await toy.status())["services"]}
    assert now["web"] == pids["web"]
    assert now["extra"] != pids["extra"]


async def test_a_supervisor_survives_the_end_of_its_session(toy: Toy) -> None:
    """SIGHUP, as a closed terminal sends it, changes nothing."""
    await toy.ready()
    (await toy.supervisor()).send_signal(signal.SIGHUP)
    assert (await toy.call("verify")).code == 0
    assert (await toy.status())["state"] == "ready"


async def test_up_heals_a_degraded_stack(toy: Toy) -> None:
    """A service that was stopped is started; a second `up` has nothing to do."""
    await toy.ready()
    assert (await toy.call("stop", "web")).code == 0
    assert (await toy.status())["state"] == "degraded"
    assert (await toy.call("up")).code == 0
    assert (await toy.status())["state"] == "ready"
    assert "already up" in (await toy.call("up")).out


async def test_clean_removes_the_control_groups(toy: Toy) -> None:
    """Neither a group of a service nor that of the stack is left."""
    await toy.ready()
    group = ProcessOwner(toy.paths).cgroup
    if group is None:
        pytest.skip("this machine does not allow control groups of version 2")
    assert group.path.exists()
    assert (await toy.call("clean")).code == 0
    assert not group.path.exists()


async def test_a_process_that_hides_is_ended_after_a_crash(toy: Toy) -> None:
    """A daemon with its own session, without environment and ignoring SIGTERM is found by its cgroup, also by `clean` after a crash."""
    toy.add(HIDING, answer="awake")
    await toy.ready()
    owner = ProcessOwner(toy.paths, "extra")
    if owner.cgroup is None:
        pytest.skip("this machine does not allow control groups of version 2")
    hidden = [pid for pid in owner.cgroup.pids() if psutil.Process(pid).environ() == {}]
    assert len(hidden) == 1
    (await toy.supervisor()).kill()
    await toy.wait_released()
    assert (await toy.call("clean")).code == 0
    assert not is_running(hidden[0])


HIDING = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
read, write = os.pipe2(os.O_CLOEXEC)
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    os.execve(sys.executable, [sys.executable, "-c", "import signal, time; time.sleep(600)"], {})
os.wait()
os.close(write)
os.read(read, 1)  # ends when the daemon has replaced its program
signal.signal(signal.SIGTERM, signal.SIG_DFL)
time.sleep(600)
"""


async def test_a_crash_of_a_stack_that_was_degraded_is_reported(toy: Toy) -> None:
    """An attached `run` reports the crash of the supervisor, not that a service was down before."""
    toy.installed()
    async with toy.calling("run") as run:
        await toy.wait_state("ready")
        supervisor = await toy.supervisor()
        os.kill((await web_of(toy))["pid"], signal.SIGKILL)
        await toy.wait_published("novaflow.stack.ready", times=2)
        supervisor.kill()
        assert run.stderr is not None
        error = b"".join([part async for part in run.stderr]).decode()
    assert run.returncode == 1
    assert f"the supervisor (pid {supervisor.pid}) has crashed with exit code -9" in error
    assert (await toy.call("clean")).code == 0
