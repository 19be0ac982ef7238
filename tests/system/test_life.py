"""The life of a stack: installed, run, inspected and cleaned up."""

import json
import os
import signal

import anyio
import psutil
import pytest

from novaflow.adapters.process import ProcessOwner, find_processes
from tests.support.programs import is_running
from tests.system.toy import SLEEP, Toy, wait_printed

pytestmark = pytest.mark.slow

# A program that leaves a child in its own session.
FORKS = """
import os, time
if os.fork() == 0:
    os.setsid()
time.sleep(600)
"""

# A resource that cannot be removed while the file `stuck` is there.
STUCK = """
from novaflow.errors import StepFailed
from novaflow.model.component import Component
from novaflow.model.step import step


@step(within_s=5)
async def remove(ctx):
    \"\"\"Remove it.\"\"\"
    if (ctx.paths.root.parent / "stuck").exists():
        raise StepFailed("it cannot be removed")


COMPONENT = Component("stuck", "What will not go.", {"clean": (remove,)})
"""


async def test_a_second_install_does_nothing(toy: Toy) -> None:
    """Every step is skipped with its reason."""
    first, second = await toy.call("install"), await toy.call("install")
    assert (first.code, second.code) == (0, 0)
    assert "web.fetch" in first.out
    assert "succeeded" in first.out
    assert "it is there" in second.out
    assert (toy.root / "data/toy").exists()


async def test_run_needs_an_installed_stack(toy: Toy) -> None:
    """Nothing is changed, and the error names the command to run first."""
    result = await toy.call("run", "--wait-ready")
    assert result.code == 2
    assert result.err == f"novaflow: {toy.root} is not installed; run `novaflow install` or `novaflow up`\n"
    assert not (toy.root / "log").exists()


async def test_run_wait_ready_returns_when_the_stack_is_ready(toy: Toy) -> None:
    """Services answer, the last step has succeeded, and a supervisor holds them."""
    toy.installed()
    result = await toy.call("run", "--wait-ready")
    assert (result.code, result.err) == (0, "")
    assert "nova is ready" in result.out
    assert toy.is_held
    assert [process.name() for process in find_processes(ProcessOwner(toy.paths, "web"))] != []


async def test_status_json_is_that_of_the_contract(toy: Toy) -> None:
    """Names and types are those that programs rely on."""
    result = await (await toy.ready()).call("status", "--json")
    status = result.json
    assert result.code == 0
    assert (status["stack"], status["state"], status["url"]) == ("nova", "ready", {"toy": f"http://127.0.0.1:{toy.port}/"})
    assert {"since", "run_id", "ready_after_s"} <= status.keys()
    (web,) = status["services"]
    assert (web["name"], web["component"], web["state"], web["port"], web["restarts"]) == ("web", "web", "ready", toy.port, 0)
    assert psutil.pid_exists(web["pid"])
    assert web["ready_after_s"] > 0
    assert web["reason"] == "answered GET / with 200"
    assert status["events"].keys() == {"published", "waiting", "broker"}
    assert status["events"]["waiting"] > 0


async def test_status_shows_services_and_addresses(toy: Toy) -> None:
    """State, process and port of a service are on one line."""
    result = await (await toy.ready()).call("status")
    assert result.code == 0
    assert result.out.startswith("nova is ready, ready after ")
    assert f"http://127.0.0.1:{toy.port}/" in result.out


async def test_the_status_of_a_stack_that_never_ran(toy: Toy) -> None:
    """It is stopped, with its own exit code, and no folder is created."""
    result = await toy.call("status", "--json")
    assert (result.code, result.json["state"], result.json["services"]) == (6, "stopped", [])
    assert not toy.root.exists()


async def test_the_status_of_a_starting_stack(toy: Toy) -> None:
    """It has its own exit code."""
    toy.add(SLEEP)
    toy.installed()
    assert (await toy.call("run", "--detach")).code == 0
    result = await toy.call("status", "--json")
    assert (result.code, result.json["state"]) == (4, "starting")
    assert {service["name"]: service["state"] for service in result.json["services"]} == {"web": "ready", "extra": "started"}


async def test_the_status_of_a_degraded_stack(toy: Toy) -> None:
    """The exit code is 3 once a service has failed more often than it may, and the other services run."""
    toy.add(SLEEP, answer="awake")
    status = await (await toy.ready()).status()
    (toy.folder / "server.py").write_text("raise SystemExit('broken by an update')")
    web = next(service for service in status["services"] if service["name"] == "web")
    os.kill(web["pid"], signal.SIGKILL)
    await toy.wait_published("novaflow.service.failed")
    result = await toy.call("status", "--json")
    assert (result.code, result.json["state"]) == (3, "degraded")
    assert {service["name"]: service["state"] for service in result.json["services"]} == {"web": "failed", "extra": "unready"}


async def test_run_detached_returns_when_everything_is_started(toy: Toy) -> None:
    """Both spellings work; readiness is not waited for."""
    toy.add(SLEEP)
    toy.installed()
    result = await toy.call("run_detached")
    assert result.code == 0
    assert "is ready" not in result.out
    assert toy.is_held


async def test_clean_stops_a_supervisor(toy: Toy) -> None:
    """Services stop in reverse order, the steps of the clean-up run, and the status is stopped."""
    await toy.ready()
    assert (toy.root / "etc/web.conf").exists()
    result = await toy.call("clean")
    assert (result.code, result.err) == (0, "")
    assert not toy.is_held
    assert find_processes(ProcessOwner(toy.paths)) == ()
    assert not (toy.root / "etc/web.conf").exists()
    assert (await toy.call("status")).code == 6


async def test_clean_accepts_a_missing_stack(toy: Toy) -> None:
    """There is nothing to stop."""
    result = await toy.call("clean")
    assert (result.code, result.out) == (0, f"there is no stack in {toy.root}\n")


async def test_a_second_clean_does_nothing(toy: Toy) -> None:
    """The stack is stopped already."""
    await toy.ready()
    assert [(await toy.call("clean")).code for _ in range(2)] == [0, 0]


async def test_clean_after_a_crash_of_the_supervisor(toy: Toy) -> None:
    """`status` reports the crash, `clean` ends the services, and the stack can be brought up again."""
    supervisor = await (await toy.ready()).supervisor()
    supervisor.kill()
    await toy.wait_released()
    result = await toy.call("status", "--json")
    assert (result.code, result.json["state"]) == (3, "failed")
    assert (
        result.json["reason"]
        == f"the supervisor (pid {supervisor.pid}) has crashed; adopt its services with `novaflow up`, or stop them with `novaflow clean`"
    )
    assert find_processes(ProcessOwner(toy.paths)) != ()
    assert (await toy.call("clean")).code == 0
    assert find_processes(ProcessOwner(toy.paths)) == ()
    await toy.ready()


async def test_up_after_a_crash_of_the_supervisor(toy: Toy) -> None:
    """What a dead service left cannot be adopted; it is ended first, and everything is started."""
    toy.add(FORKS, answer="awake")
    supervisor = await (await toy.ready()).supervisor()
    leaders = [service["pid"] for service in (await toy.status())["services"]]
    left = [process.pid for process in find_processes(ProcessOwner(toy.paths, "extra")) if process.pid not in leaders]
    assert len(left) == 1
    supervisor.kill()
    await toy.wait_released()
    for pid in leaders:
        os.kill(pid, signal.SIGKILL)
    result = await toy.call("up")
    assert (result.code, result.err) == (0, "")
    assert "the supervisor exited unexpectedly; everything it left was stopped and removed" in result.out
    assert not is_running(left[0])
    assert {service["state"] for service in (await toy.status())["services"]} == {"ready"}


async def test_up_installs_and_runs(toy: Toy) -> None:
    """The output names the next commands."""
    result = await toy.call("up")
    assert (result.code, result.err) == (0, "")
    assert "nova is ready" in result.out
    assert " clean     stop everything the stack started" in result.out


async def test_up_on_a_running_stack_changes_nothing(toy: Toy) -> None:
    """The output says so."""
    before = await (await toy.ready()).status()
    result = await toy.call("up")
    assert (result.code, result.out) == (0, "nova is already up; `novaflow status` shows it\n")
    assert (await toy.status())["services"] == before["services"]


async def test_run_on_a_running_stack_is_rejected(toy: Toy) -> None:
    """The error names the commands that stop it and that keep it."""
    await toy.ready()
    result = await toy.call("run", "--wait-ready")
    assert result.code == 2
    assert "nova is ready since" in result.err
    assert "`novaflow clean` stops it" in result.err


async def test_dir_names_the_stack(toy: Toy) -> None:
    """DIR may be before or after the options."""
    assert (await toy.call("install", "mine")).code == 0
    assert (await toy.call("run", "mine", "--wait-ready")).code == 0
    result = await toy.call("status", "--json", "mine")
    assert (result.code, result.json["stack"]) == (0, "mine")
    assert (await toy.call("clean", "mine")).code == 0


async def test_verify_runs_in_the_supervisor(toy: Toy) -> None:
    """Its steps are shown; without a running stack the error says how to bring it up."""
    refused = await toy.call("verify")
    assert refused.code == 2
    assert "`novaflow up`" in refused.err
    result = await (await toy.ready()).call("verify")
    assert result.code == 0
    assert "web.ask" in result.out


async def test_the_journal_has_all_events_in_order(toy: Toy) -> None:
    """It has no gap from the first step to the last stop."""
    await toy.ready()
    await toy.call("clean")
    events = [json.loads(line) for line in (await toy.call("events", "--json")).out.splitlines()]
    assert [int(event["sequence"]) for event in events] == [*range(1, len(events) + 1)]
    stack = [event["type"] for event in events if event["type"].startswith("novaflow.stack")]
    assert stack == [f"novaflow.stack.{state}" for state in ("starting", "ready", "stopping", "stopped")]


async def test_passwords_are_kept_secret(toy: Toy) -> None:
    """They are in one file of mode 0600, and in no log, event or argument."""
    await toy.ready()
    (secret,) = json.loads((toy.root / "credentials/secrets.json").read_text()).values()
    published = [path for path in (*(toy.root / "log").iterdir(), toy.root / "journal.jsonl") if secret in path.read_text()]
    assert published == []
    assert (toy.root / "credentials/secrets.json").stat().st_mode & 0o777 == 0o600
    assert (toy.root / "credentials").stat().st_mode & 0o777 == 0o700
    assert not [process for process in psutil.process_iter(["cmdline"]) if secret in " ".join(process.info["cmdline"] or ())]


async def test_settings_of_the_command_line_reach_the_supervisor(toy: Toy) -> None:
    """Passwords of the environment do, too, and are not among its arguments."""
    result = await toy.installed().call("up", "--set", "SCREEN_NAME=mine", NOVAFLOW_EVENTS_URL="amqp://me:hush-hush@127.0.0.1:9/x")
    assert result.code == 0, result
    supervisor = await toy.supervisor()
    assert "hush-hush" not in " ".join(supervisor.cmdline())
    assert supervisor.environ()["SCREEN_NAME"] == "mine"


async def test_sigterm_stops_a_supervisor(toy: Toy) -> None:
    """Everything stops in order, as at a shutdown of the machine."""
    supervisor = await (await toy.ready()).supervisor()
    supervisor.terminate()
    await toy.wait_released()
    assert find_processes(ProcessOwner(toy.paths)) == ()
    assert (await toy.call("status", "--json")).json["state"] == "stopped"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_ends_an_attached_run(toy: Toy, number: signal.Signals, code: int) -> None:
    """The clean-up is complete, and the exit code names the signal."""
    toy.installed()
    async with toy.calling("run") as process:
        result = await wait_printed(process, "nova is ready")
        process.send_signal(number)
        result += await wait_printed(process, "nova is stopped")
        assert await process.wait() == code, result
    assert not toy.is_held
    assert find_processes(ProcessOwner(toy.paths)) == ()
    assert (await toy.call("status")).code == 6


async def test_an_incomplete_stop_is_reported(toy: Toy) -> None:
    """A resource cannot be removed: Ctrl-C of an attached run says so, and so does `clean`, until it can be removed."""
    toy.write("components/stuck.py", STUCK)
    toy.installed()
    stuck = toy.folder / "stuck"
    stuck.touch()
    async with toy.calling("run") as process:
        await wait_printed(process, "nova is ready")
        process.send_signal(signal.SIGINT)
        await wait_printed(process, "nova is failed: not everything was stopped: clean failed: stuck.remove; try again with")
        assert await process.wait() == 3
        assert process.stderr is not None
        assert (await process.stderr.receive()).startswith(b"novaflow: nova: not everything was stopped: clean failed: stuck.remove; ")
    assert find_processes(ProcessOwner(toy.paths)) == ()
    assert (await toy.call("status")).code == 3
    assert (await toy.call("clean")).code == 3
    stuck.unlink()
    assert (await toy.call("clean")).code == 0
    assert (await toy.call("status")).code == 6


@pytest.mark.parametrize("words", [("run", "--wait-ready"), ("up",)])
async def test_ctrl_c_ends_a_start(toy: Toy, words: tuple[str, ...]) -> None:
    """Nothing is left running."""
    toy.add(SLEEP)
    toy.installed()
    async with toy.calling(*words) as process:
        await toy.wait_published("novaflow.service.ready")
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130
    assert not toy.is_held
    assert find_processes(ProcessOwner(toy.paths)) == ()


async def test_ctrl_c_ends_an_install(toy: Toy) -> None:
    """The step and its program are stopped."""
    toy.write(
        "components/slow.py",
        """
from novaflow.model.component import Component
from novaflow.model.step import step


@step(within_s=60)
async def fetch(ctx):
    \"\"\"Fetch for ever.\"\"\"
    await ctx.run("sh", "-c", "echo began; sleep 600")


COMPONENT = Component("slow", "A slow toy.", {"install": (fetch,)})
""",
    )
    log = toy.root / "log/slow.fetch.log"
    async with toy.calling("install") as process:
        with anyio.fail_after(20):
            while not (log.exists() and "began" in log.read_text()):  # noqa: ASYNC110 - written by another process
                await anyio.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130
    assert find_processes(ProcessOwner(toy.paths)) == ()
