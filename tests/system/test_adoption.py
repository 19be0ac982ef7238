"""`up` after the supervisor was killed: what is adopted, what is started again, and what is refused; all with real processes."""

import os
import signal
import sys
from typing import Any

import pytest

from novaflow.adapters.process import ProcessOwner, find_processes
from novaflow.adapters.storage import Journal, read_journal
from novaflow.events.types import ServiceChanged, ServiceState, StackState, StepChanged, StepState
from tests.support.programs import is_running
from tests.system.toy import SLEEP, Toy

pytestmark = pytest.mark.slow

MANY = 5001  # events
FOLLOWER = f"""
import sys

from novaflow.model.component import Component
from novaflow.model.probe import FunctionProbe
from novaflow.model.service import Service


async def ask(_):
    return "awake"


SERVICE = Service("follower", "Ends with web.", lambda _: (sys.executable, "-IS", "-c", {SLEEP!r}), FunctionProbe(ask, "itself"),
                  needs=("web",), within_s=20, grace_s=2, restart_with=("web",))
COMPONENT = Component("follower", "Ends with web.", {{"run": (SERVICE,)}})
"""
RUN = """
from novaflow.model.workflow import Workflow


def is_changed(_, paths, __):
    return "HOST_IP was changed" if (paths.data / "changed").exists() else None


WORKFLOW = Workflow("run", "The toy.", stays=True, reason_unusable=is_changed)
"""
# The leader starts the server and waits for it; the server survives its leader.
LEADER = f"import subprocess, sys; subprocess.run([{sys.executable!r}, '-IS', *sys.argv[1:]])"


async def crash(toy: Toy) -> dict[str, int]:
    """Kill the supervisor, and return the process id of each service."""
    pids = await pids_of(toy)
    (await toy.supervisor()).kill()
    await toy.wait_released()
    return pids


def change(toy: Toy, component: str, old: str, new: str) -> None:
    """Replace a text in the module of a component."""
    module = toy.workflows / f"components/{component}.py"
    assert old in module.read_text()
    module.write_text(module.read_text().replace(old, new, 1))


def set_policy(toy: Toy, component: str, policy: str) -> None:
    """Give the service of a component a restart policy."""
    change(toy, component, "\nfrom novaflow", "\nfrom novaflow.model.restart import RestartPolicy\nfrom novaflow")
    change(toy, component, "grace_s=2", f"grace_s=2, restart=RestartPolicy({policy})")


async def pids_of(toy: Toy) -> dict[str, int]:
    """Return the process id of each service."""
    return {service["name"]: service["pid"] for service in (await toy.status())["services"]}


def count_configured(toy: Toy) -> int:
    """Return how often the step `web.configure` was executed."""
    events = (record.event for record in read_journal(toy.paths.journal))
    return sum(isinstance(one, StepChanged) and (one.name, one.state) == ("web.configure", StepState.SUCCEEDED) for one in events)


async def test_no_step_is_repeated_after_many_events(toy: Toy) -> None:
    """The steps that are done are not derived from the newest events: servers cause events too."""
    await toy.ready()
    pids = await crash(toy)
    event = ServiceChanged(name="web", state=ServiceState.READY, workflow="run", component="web", reason="answered", pid=pids["web"])
    run_id = [record.run_id for record in read_journal(toy.paths.journal)][-1]
    journal = Journal(toy.paths.journal, source="/novaflow/test/nova")
    for _ in range(MANY):
        journal.append(event, run_id)
    journal.close()
    assert (await toy.call("up")).code == 0
    assert count_configured(toy) == 1
    assert await pids_of(toy) == pids


async def test_no_step_is_repeated_after_a_crash_during_the_adoption(toy: Toy) -> None:
    """The second supervisor is killed when it has published nothing but its start."""
    await toy.ready()
    pids = await crash(toy)
    async with toy.calling("up"):
        await toy.wait_published("novaflow.stack.starting", times=2)
        os.kill(int(toy.paths.lock.read_text().split()[-1]), signal.SIGKILL)
        await toy.wait_released()
    assert (await toy.call("up")).code == 0
    assert count_configured(toy) == 1
    assert await pids_of(toy) == pids


async def test_a_suspended_service_is_restarted_during_the_adoption(toy: Toy) -> None:
    """A service that does not answer is replaced; the others keep their processes."""
    change(toy, "web", "within_s=20", "within_s=2")
    toy.add(SLEEP, answer="awake")
    await toy.ready()
    pids = await crash(toy)
    os.kill(pids["web"], signal.SIGSTOP)
    up = await toy.call("up")
    assert up.code == 0, up
    now = await pids_of(toy)
    assert now["web"] != pids["web"]
    assert now["extra"] == pids["extra"]


async def test_what_a_dead_service_has_left_is_ended_before_its_restart(toy: Toy) -> None:
    """A child of the service still listens on its port after the leader was killed together with the supervisor."""
    change(toy, "web", '"-IS", SERVER', f'"-IS", "-c", {LEADER!r}, str(SERVER)')
    await toy.ready()
    pids = await crash(toy)
    os.kill(pids["web"], signal.SIGKILL)
    (left,) = find_processes(ProcessOwner(toy.paths, "web"))
    up = await toy.call("up")
    assert up.code == 0, up
    assert not is_running(left.pid)
    assert (await toy.status())["state"] == StackState.READY


async def test_a_service_that_cannot_start_does_not_stop_the_others(toy: Toy) -> None:
    """`up` fails and names the service; the stack is degraded, and the other service keeps its process."""
    toy.add(SLEEP, answer="awake")
    set_policy(toy, "extra", "first_s=0.1, most_s=0.1, budget=2")
    await toy.ready()
    pids = await crash(toy)
    os.kill(pids["extra"], signal.SIGKILL)
    change(toy, "extra", repr(SLEEP), repr("raise SystemExit(7)"))
    change(toy, "extra", "'awake'", "''")
    up = await toy.call("up")
    assert up.code == 3
    assert "nova is degraded: failed: extra" in up.err
    assert (await toy.status())["state"] == StackState.DEGRADED
    assert (await pids_of(toy))["web"] == pids["web"]


async def test_changed_settings_are_refused_before_anything_is_adopted(toy: Toy) -> None:
    """The services keep running without a supervisor."""
    toy.write("run.py", RUN)
    await toy.ready()
    pids = await crash(toy)
    (toy.paths.data / "changed").touch()
    up = await toy.call("up")
    assert (up.code, up.err) == (2, "novaflow: HOST_IP was changed\n")
    (toy.paths.data / "changed").unlink()
    assert (await toy.call("up")).code == 0
    assert await pids_of(toy) == pids


async def test_a_service_that_cannot_recover_is_restarted_with_its_need(toy: Toy) -> None:
    """`restart_with` holds also if the need has died together with the supervisor."""
    toy.write("components/follower.py", FOLLOWER)
    await toy.ready()
    pids = await crash(toy)
    os.kill(pids["web"], signal.SIGKILL)
    assert (await toy.call("up")).code == 0
    now = await pids_of(toy)
    assert now["web"] != pids["web"]
    assert now["follower"] != pids["follower"]


async def wait_service(toy: Toy, name: str, *states: str) -> dict[str, Any]:
    """Wait until the service has one of the states, and return its status."""
    await toy.wait_until_status(lambda status: any(one["name"] == name and one["state"] in states for one in status["services"]))
    return dict(next(one for one in (await toy.status())["services"] if one["name"] == name))


async def test_a_start_of_a_running_service_keeps_its_restarts(toy: Toy) -> None:
    """`start` of a service that runs changes nothing: it is restarted after `kill -9`."""
    await toy.ready()
    assert (await toy.call("start", "web")).code == 0
    killed = (await pids_of(toy))["web"]
    os.kill(killed, signal.SIGKILL)
    await toy.wait_ready_again(killed)


async def test_a_service_that_was_stopped_in_its_pause_is_started_by_up(toy: Toy) -> None:
    """The status is `stopped`, not `exited`, and `up` makes the stack ready."""
    set_policy(toy, "web", "first_s=60, most_s=60")
    await toy.ready()
    os.kill((await pids_of(toy))["web"], signal.SIGKILL)
    await wait_service(toy, "web", "exited")
    assert (await toy.call("stop", "web")).code == 0
    assert (await wait_service(toy, "web", "stopped"))["reason"] == "stopped: stop of web was requested"
    assert (await toy.call("up")).code == 0
    assert (await toy.status())["state"] == StackState.READY


async def test_up_waits_for_a_service_that_is_restarted(toy: Toy) -> None:
    """It returns when the stack is ready again, not before."""
    await toy.ready()
    suspended = (await pids_of(toy))["web"]
    os.kill(suspended, signal.SIGSTOP)
    await toy.wait_state("degraded")
    assert (await toy.call("up")).code == 0
    assert (await toy.status())["state"] == StackState.READY
    assert (await pids_of(toy))["web"] != suspended


async def test_the_wait_of_up_is_limited(toy: Toy) -> None:
    """After --timeout the exit code is 4; the stack is left as it is."""
    set_policy(toy, "web", "first_s=60, most_s=60")
    await toy.ready()
    os.kill((await pids_of(toy))["web"], signal.SIGKILL)
    await toy.wait_state("degraded")
    up = await toy.call("up", "--timeout", "0.5")
    assert up.code == 4
    assert "it is still degraded; `novaflow status` shows why" in up.err
