"""One service started, stopped and restarted, while its supervisor and the others go on."""

import os
import signal

import psutil
import pytest

from tests.system.toy import SLEEP, Said, Toy

pytestmark = pytest.mark.slow

NEEDY = """
import sys

from novaflow.model.component import Component
from novaflow.model.service import Service
from novaflow.model.probe import FunctionProbe


async def ask(_):
    return "awake"


SERVICE = Service("needy", "A toy that needs the other.", lambda _: (sys.executable, "-IS", "-c", "import time; time.sleep(600)"),
                  FunctionProbe(ask, "itself"), grace_s=2, needs=("web",))
COMPONENT = Component("needy", "A toy that needs the other.", {"run": (SERVICE,)})
"""


def states(said: Said) -> dict[str, str]:
    """Return each service's state, as `status --json` has it."""
    return {service["name"]: service["state"] for service in said.json["services"]}


async def test_restart_returns_when_the_service_is_ready_again(toy: Toy) -> None:
    """By nova.sh's name: another process, one restart counted, the others untouched, and the stack is ready as before."""
    toy.add(SLEEP, answer="awake")
    before = {service["name"]: service for service in (await (await toy.ready()).status())["services"]}
    said = await toy.call("restart", "httpd")
    assert (said.code, said.err) == (0, "")
    assert [line.split()[3] for line in said.out.splitlines() if line.split()[2] == "web"] == ["stopped", "restarted", "ready"]
    assert "nova is ready: every service is ready again" in said.out
    status = await toy.status()
    after = {service["name"]: service for service in status["services"]}
    assert status["state"] == "ready"
    assert not psutil.pid_exists(before["web"]["pid"])
    assert psutil.pid_exists(after["web"]["pid"])
    assert (after["web"]["restarts"], after["extra"]) == (1, before["extra"])


async def test_a_stopped_service_degrades_what_needs_it_until_it_is_started(toy: Toy) -> None:
    """`status` shows which one is stopped, and which one lacks it; a second stop, and a second start, are done already."""
    toy.write("components/needy.py", NEEDY)
    await toy.ready()
    for _ in range(2):
        assert (await toy.call("stop", "web")).code == 0
        said = await toy.call("status", "--json")
        assert (said.code, said.json["state"], said.json["reason"]) == (3, "degraded", "web stopped: stop of web was requested")
        assert states(said) == {"web": "stopped", "needy": "unready"}
        assert said.json["services"][1]["reason"] == "web, which it needs, is stopped"
    refused = await toy.call("restart", "needy")
    assert (refused.code, refused.err) == (2, "novaflow: needy needs web, which is stopped; start web first\n")
    for _ in range(2):
        assert (await toy.call("start", "web")).code == 0
    await toy.wait_told("novaflow.service.ready", times=4)
    said = await toy.call("status", "--json")
    assert (said.code, states(said)) == (0, {"web": "ready", "needy": "ready"})


async def test_a_dead_service_is_started_again(toy: Toy) -> None:
    """And the stack is no longer degraded; what the user wants done when it is ready was done the first time."""
    said = await toy.installed().call("run", "--wait-ready", NOVAFLOW_ON_READY="echo once >> hooked")
    assert said.code == 0
    status = await toy.status()
    os.kill(status["services"][0]["pid"], signal.SIGKILL)
    await toy.wait_state("degraded")
    assert (await toy.call("start", "web")).code == 0
    assert (await toy.status())["state"] == "ready"
    await toy.end()
    assert (toy.root / "hooked").read_text() == "once\n"


async def test_a_restart_that_fails_says_why_and_can_be_tried_again(toy: Toy) -> None:
    """Exit code 3 with the service's last lines; the supervisor goes on, and what was mended comes up."""
    server = toy.folder / "server.py"
    good = server.read_text()
    await toy.ready()
    server.write_text("raise SystemExit('no such word')")
    said = await toy.call("restart", "web")
    assert said.code == 3
    assert said.err.startswith("novaflow: restart of web failed: web exited with 1\n")
    assert "no such word" in said.err
    assert states(await toy.call("status", "--json")) == {"web": "failed"}
    server.write_text(good)
    assert (await toy.call("restart", "web")).code == 0
    assert (await toy.call("status")).code == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [("wbe", "unknown component 'wbe'; did you mean 'web'?"), ("none", "component none has no service; the services are: web")],
)
async def test_a_name_that_means_no_service_is_refused(toy: Toy, name: str, said: str) -> None:
    """Before the stack is asked, whether it is up or not."""
    toy.write("components/none.py", 'from novaflow.model.component import Component\n\nCOMPONENT = Component("none", "No service.")\n')
    refused = await toy.call("restart", name)
    assert (refused.code, refused.err) == (2, f"novaflow: {said}\n")


async def test_a_stack_that_is_down_has_no_services_to_handle(toy: Toy) -> None:
    """The message says what brings it up."""
    refused = await toy.call("stop", "web")
    assert refused.code == 2
    assert "bring it up with `novaflow up`" in refused.err
