"""A stack's life as its user sees it: installed, up, looked at, and gone."""

import json
import os
import signal

import anyio
import psutil
import pytest

from novaflow.adapters.process import ProcessOwner, find_processes
from tests.support.programs import is_running
from tests.system.toy import SLEEP, Toy, wait_said

pytestmark = pytest.mark.slow


async def test_install_does_what_is_missing_and_says_so_when_nothing_is(toy: Toy) -> None:
    """The second time every step is skipped with its reason."""
    first, second = await toy.call("install"), await toy.call("install")
    assert (first.code, second.code) == (0, 0)
    assert "web.fetch" in first.out
    assert "succeeded" in first.out
    assert "it is there" in second.out
    assert (toy.root / "data/toy").exists()


async def test_run_before_install_is_refused(toy: Toy) -> None:
    """Nothing is touched, and the message says what to do first."""
    said = await toy.call("run", "--wait-ready")
    assert said.code == 2
    assert said.err == f"novaflow: {toy.root} is not installed; run `novaflow install` or `novaflow up`\n"
    assert not (toy.root / "log").exists()


async def test_run_wait_ready_returns_when_all_is_up(toy: Toy) -> None:
    """Services answer, the last step is done, and a supervisor holds them."""
    toy.installed()
    said = await toy.call("run", "--wait-ready")
    assert (said.code, said.err) == (0, "")
    assert "nova is ready" in said.out
    assert toy.is_held
    assert [process.name() for process in find_processes(ProcessOwner(toy.paths, "web"))] != []


async def test_status_of_a_stack_that_is_ready_is_the_contracts(toy: Toy) -> None:
    """Names and shapes that other programs rely on."""
    said = await (await toy.ready()).call("status", "--json")
    status = said.json
    assert said.code == 0
    assert (status["stack"], status["state"], status["url"]) == ("nova", "ready", {"toy": f"http://127.0.0.1:{toy.port}/"})
    assert {"since", "run_id", "ready_after_s"} <= status.keys()
    (web,) = status["services"]
    assert (web["name"], web["component"], web["state"], web["port"], web["restarts"]) == ("web", "web", "ready", toy.port, 0)
    assert psutil.pid_exists(web["pid"])
    assert web["ready_after_s"] > 0
    assert web["reason"] == "answered GET / with 200"
    assert status["events"].keys() == {"published", "waiting", "broker"}
    assert status["events"]["waiting"] > 0


async def test_status_for_people_names_services_and_addresses(toy: Toy) -> None:
    """State, process and port are on one line."""
    said = await (await toy.ready()).call("status")
    assert said.code == 0
    assert said.out.startswith("nova is ready, ready after ")
    assert f"http://127.0.0.1:{toy.port}/" in said.out


async def test_status_of_a_stack_that_never_was(toy: Toy) -> None:
    """It is stopped, which has an exit code of its own, and looking leaves no trace."""
    said = await toy.call("status", "--json")
    assert (said.code, said.json["state"], said.json["services"]) == (6, "stopped", [])
    assert not toy.root.exists()


async def test_status_while_it_starts(toy: Toy) -> None:
    """Starting has an exit code of its own as well."""
    toy.add(SLEEP)
    toy.installed()
    assert (await toy.call("run", "--detach")).code == 0
    said = await toy.call("status", "--json")
    assert (said.code, said.json["state"]) == (4, "starting")
    assert {service["name"]: service["state"] for service in said.json["services"]} == {"web": "ready", "extra": "started"}


async def test_status_of_a_stack_that_lost_a_service(toy: Toy) -> None:
    """Degraded is told by exit code 3, and the rest stays up."""
    toy.add(SLEEP, answer="awake")
    status = await (await toy.ready()).status()
    extra = next(service for service in status["services"] if service["name"] == "extra")
    os.kill(extra["pid"], signal.SIGKILL)
    await toy.wait_state("degraded")
    said = await toy.call("status", "--json")
    assert (said.code, said.json["state"]) == (3, "degraded")
    assert {service["name"]: service["state"] for service in said.json["services"]} == {"web": "ready", "extra": "failed"}


async def test_run_detached_returns_when_all_is_launched(toy: Toy) -> None:
    """In nova.sh's spelling too; readiness is not waited for."""
    toy.add(SLEEP)
    toy.installed()
    said = await toy.call("run_detached")
    assert said.code == 0
    assert "is ready" not in said.out
    assert toy.is_held


async def test_clean_stops_what_a_supervisor_holds(toy: Toy) -> None:
    """In reverse order, shown as it goes; the clean-up's own steps are done, and status knows."""
    await toy.ready()
    assert (toy.root / "etc/web.conf").exists()
    said = await toy.call("clean")
    assert (said.code, said.err) == (0, "")
    assert not toy.is_held
    assert find_processes(ProcessOwner(toy.paths)) == ()
    assert not (toy.root / "etc/web.conf").exists()
    assert (await toy.call("status")).code == 6


async def test_clean_of_nothing_is_done(toy: Toy) -> None:
    """There is nothing to stop, which is no error."""
    said = await toy.call("clean")
    assert (said.code, said.out) == (0, f"there is no stack in {toy.root}\n")


async def test_clean_twice_is_done_twice(toy: Toy) -> None:
    """The second finds nothing to do."""
    await toy.ready()
    assert [(await toy.call("clean")).code for _ in range(2)] == [0, 0]


async def test_clean_after_a_supervisor_was_killed(toy: Toy) -> None:
    """Its services live on: status says so, clean ends them, and up works again."""
    supervisor = await (await toy.ready()).supervisor()
    supervisor.kill()
    await toy.wait_let_go()
    said = await toy.call("status", "--json")
    assert (said.code, said.json["state"]) == (3, "failed")
    assert (
        said.json["reason"]
        == f"the supervisor (pid {supervisor.pid}) has crashed; adopt its services with `novaflow up`, or stop them with `novaflow clean`"
    )
    assert find_processes(ProcessOwner(toy.paths)) != ()
    assert (await toy.call("clean")).code == 0
    assert find_processes(ProcessOwner(toy.paths)) == ()
    await toy.ready()


async def test_up_after_a_supervisor_was_killed(toy: Toy) -> None:
    """What it left is ended and removed first, and said; then all comes up."""
    supervisor = await (await toy.ready()).supervisor()
    (left,) = find_processes(ProcessOwner(toy.paths, "web"))
    supervisor.kill()
    await toy.wait_let_go()
    said = await toy.call("up")
    assert (said.code, said.err) == (0, "")
    assert "the supervisor exited unexpectedly; everything it left was stopped and removed" in said.out
    assert not is_running(left.pid)
    (web,) = (await toy.status())["services"]
    assert web["state"] == "ready"


async def test_up_installs_and_runs(toy: Toy) -> None:
    """From nothing to ready, and what to type next."""
    said = await toy.call("up")
    assert (said.code, said.err) == (0, "")
    assert "nova is ready" in said.out
    assert " clean     stop everything the stack started" in said.out


async def test_up_of_a_stack_that_is_up_is_done(toy: Toy) -> None:
    """It says so, and restarts nothing."""
    before = await (await toy.ready()).status()
    said = await toy.call("up")
    assert (said.code, said.out) == (0, "nova is already up; `novaflow status` shows it\n")
    assert (await toy.status())["services"] == before["services"]


async def test_run_of_a_stack_that_is_up_is_refused(toy: Toy) -> None:
    """Usage: the message says what ends it and what keeps it."""
    await toy.ready()
    said = await toy.call("run", "--wait-ready")
    assert said.code == 2
    assert "nova is ready since" in said.err
    assert "`novaflow clean` stops it" in said.err


async def test_a_stack_is_where_it_is_named(toy: Toy) -> None:
    """DIR may come before options or after, and names the stack."""
    assert (await toy.call("install", "mine")).code == 0
    assert (await toy.call("run", "mine", "--wait-ready")).code == 0
    said = await toy.call("status", "--json", "mine")
    assert (said.code, said.json["stack"]) == (0, "mine")
    assert (await toy.call("clean", "mine")).code == 0


async def test_verify_asks_the_stack_that_is_up(toy: Toy) -> None:
    """Its steps are shown; without a stack it says what to do."""
    refused = await toy.call("verify")
    assert refused.code == 2
    assert "`novaflow up`" in refused.err
    said = await (await toy.ready()).call("verify")
    assert said.code == 0
    assert "web.ask" in said.out


async def test_the_journal_tells_a_life_in_order(toy: Toy) -> None:
    """Every event, without a gap, from the first step to the last stop."""
    await toy.ready()
    await toy.call("clean")
    events = [json.loads(line) for line in (await toy.call("events", "--json")).out.splitlines()]
    assert [int(event["sequence"]) for event in events] == [*range(1, len(events) + 1)]
    stack = [event["type"] for event in events if event["type"].startswith("novaflow.stack")]
    assert stack == [f"novaflow.stack.{state}" for state in ("starting", "ready", "stopping", "stopped")]


async def test_passwords_are_told_to_nobody(toy: Toy) -> None:
    """They are in one file of mode 0600, and in no log, event or process list."""
    await toy.ready()
    (secret,) = json.loads((toy.root / "credentials/secrets.json").read_text()).values()
    told = [path for path in (*(toy.root / "log").iterdir(), toy.root / "journal.jsonl") if secret in path.read_text()]
    assert told == []
    assert (toy.root / "credentials/secrets.json").stat().st_mode & 0o777 == 0o600
    assert (toy.root / "credentials").stat().st_mode & 0o777 == 0o700
    assert not [process for process in psutil.process_iter(["cmdline"]) if secret in " ".join(process.info["cmdline"] or ())]


async def test_what_is_set_on_the_command_line_holds_and_is_not_listed(toy: Toy) -> None:
    """The supervisor knows it, and shows nobody a password among its arguments."""
    said = await toy.call("up", "--set", "NOVAFLOW_EVENTS_URL=amqp://me:hush-hush@127.0.0.1:9/x", "--set", "SCREEN_NAME=mine")
    assert said.code == 0, said
    supervisor = await toy.supervisor()
    assert "hush-hush" not in " ".join(supervisor.cmdline())
    assert supervisor.environ()["SCREEN_NAME"] == "mine"


async def test_a_supervisor_that_is_told_to_end_cleans_up(toy: Toy) -> None:
    """SIGTERM, as at the machine's shutdown, stops everything in order."""
    supervisor = await (await toy.ready()).supervisor()
    supervisor.terminate()
    await toy.wait_let_go()
    assert find_processes(ProcessOwner(toy.paths)) == ()
    assert (await toy.call("status", "--json")).json["state"] == "stopped"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_an_attached_run_ends_with_a_signal(toy: Toy, number: signal.Signals, code: int) -> None:
    """After a complete clean-up; the exit code says which signal it was."""
    toy.installed()
    async with toy.calling("run") as process:
        said = await wait_said(process, "nova is ready")
        process.send_signal(number)
        said += await wait_said(process, "nova is stopped")
        assert await process.wait() == code, said
    assert not toy.is_held
    assert find_processes(ProcessOwner(toy.paths)) == ()
    assert (await toy.call("status")).code == 6


@pytest.mark.parametrize("words", [("run", "--wait-ready"), ("up",)])
async def test_a_start_ends_with_ctrl_c(toy: Toy, words: tuple[str, ...]) -> None:
    """Whoever waits for readiness and loses patience leaves nothing behind."""
    toy.add(SLEEP)
    toy.installed()
    async with toy.calling(*words) as process:
        await toy.wait_told("novaflow.service.ready")
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130
    assert not toy.is_held
    assert find_processes(ProcessOwner(toy.paths)) == ()


async def test_an_install_ends_with_ctrl_c(toy: Toy) -> None:
    """The step is stopped with its program, and nothing is left running."""
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
