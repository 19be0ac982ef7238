"""One service is started, stopped and restarted while the others run."""

import os
import signal

import psutil
import pytest

from tests.system.toy import SLEEP, Result, Toy

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


def states(result: Result) -> dict[str, str]:
    """Return the state of each service, from `status --json`."""
    return {service["name"]: service["state"] for service in result.json["services"]}


async def test_restart_returns_when_the_service_is_ready_again(toy: Toy) -> None:
    """By an alias: a new process, one restart counted, other services unchanged, and the stack is ready."""
    toy.add(SLEEP, answer="awake")
    before = {service["name"]: service for service in (await (await toy.ready()).status())["services"]}
    result = await toy.call("restart", "httpd")
    assert (result.code, result.err) == (0, "")
    assert [line.split()[3] for line in result.out.splitlines() if line.split()[2] == "web"] == ["stopped", "restarted", "ready"]
    assert "nova is ready: every service is ready again" in result.out
    status = await toy.status()
    after = {service["name"]: service for service in status["services"]}
    assert status["state"] == "ready"
    assert not psutil.pid_exists(before["web"]["pid"])
    assert psutil.pid_exists(after["web"]["pid"])
    assert (after["web"]["restarts"], after["extra"]) == (1, before["extra"])


async def test_a_stopped_service_degrades_its_dependents(toy: Toy) -> None:
    """`status` shows the stopped service and the unready one until it is started; a second stop or start does nothing."""
    toy.write("components/needy.py", NEEDY)
    await toy.ready()
    for _ in range(2):
        assert (await toy.call("stop", "web")).code == 0
        result = await toy.call("status", "--json")
        assert (result.code, result.json["state"], result.json["reason"]) == (3, "degraded", "web stopped: stop of web was requested")
        assert states(result) == {"web": "stopped", "needy": "unready"}
        assert result.json["services"][1]["reason"] == "web, which it needs, is stopped"
    refused = await toy.call("restart", "needy")
    assert (refused.code, refused.err) == (2, "novaflow: needy needs web, which is stopped; start web first\n")
    for _ in range(2):
        assert (await toy.call("start", "web")).code == 0
    await toy.wait_published("novaflow.service.ready", times=4)
    result = await toy.call("status", "--json")
    assert (result.code, states(result)) == (0, {"web": "ready", "needy": "ready"})


async def test_a_failed_service_can_be_started(toy: Toy) -> None:
    """The stack is ready again, and the command for its first start does not run twice."""
    result = await toy.installed().call("run", "--wait-ready", NOVAFLOW_ON_READY="echo once >> hooked")
    assert result.code == 0
    status = await toy.status()
    os.kill(status["services"][0]["pid"], signal.SIGKILL)
    await toy.wait_state("degraded")
    assert (await toy.call("start", "web")).code == 0
    assert (await toy.status())["state"] == "ready"
    await toy.end()
    assert (toy.root / "hooked").read_text() == "once\n"


async def test_a_failed_restart_is_reported(toy: Toy) -> None:
    """The exit code is 3, with the end of the log; after a repair the next restart succeeds."""
    server = toy.folder / "server.py"
    good = server.read_text()
    await toy.ready()
    server.write_text("raise SystemExit('no such word')")
    result = await toy.call("restart", "web")
    assert result.code == 3
    assert result.err.startswith("novaflow: restart of web failed: web exited with 1\n")
    assert "no such word" in result.err
    assert states(await toy.call("status", "--json")) == {"web": "failed"}
    server.write_text(good)
    assert (await toy.call("restart", "web")).code == 0
    assert (await toy.call("status")).code == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [("wbe", "unknown component 'wbe'; did you mean 'web'?"), ("none", "component none has no service; the services are: web")],
)
async def test_an_unknown_name_is_rejected(toy: Toy, name: str, message: str) -> None:
    """The stack need not be up."""
    toy.write("components/none.py", 'from novaflow.model.component import Component\n\nCOMPONENT = Component("none", "No service.")\n')
    refused = await toy.call("restart", name)
    assert (refused.code, refused.err) == (2, f"novaflow: {message}\n")


async def test_commands_need_a_running_stack(toy: Toy) -> None:
    """The error says how to bring it up."""
    refused = await toy.call("stop", "web")
    assert refused.code == 2
    assert "bring it up with `novaflow up`" in refused.err
