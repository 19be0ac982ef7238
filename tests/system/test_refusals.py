"""Bad input, bad workflows, bad machines: a clear message, the right exit code, nothing half done."""

import os
import socket

import anyio
import pytest

from tests.system.toy import SLEEP, Said, Toy

pytestmark = pytest.mark.slow

COMPONENT = """
from novaflow.model.component import Component
from novaflow.model.service import Service
from novaflow.model.step import step
from novaflow.model.probe import HttpProbe


@step(within_s=1, needs=({needs!r},))
async def prepare(_):
    \"\"\"Prepare it.\"\"\"


WEB = Service("{name}", "Another toy.", lambda _: ("true",), HttpProbe({port}), needs=("{name}.prepare",), port={port})
COMPONENT = Component("{name}", "Another toy.", {{"run": (prepare, WEB)}})
"""


def untouched(toy: Toy) -> bool:
    """Return whether the stack's folder is as it was: not there, or without a log."""
    return not (toy.root / "log").exists() and not toy.is_held


async def test_a_syntax_error_in_a_component_is_shown_with_file_and_line(toy: Toy) -> None:
    """Before anything is touched."""
    toy.write("components/extra.py", "COMPONENT = 1\ndef (:\n")
    said = await toy.call("up")
    assert (said.code, said.err) == (2, f"novaflow: {toy.workflows}/components/extra.py: line 2: invalid syntax\n")
    assert untouched(toy)


async def test_two_components_on_one_port_are_refused(toy: Toy) -> None:
    """Both are named."""
    toy.write("components/extra.py", COMPONENT.format(name="extra", needs="web", port="PORT"))
    said = await toy.call("install")
    assert (said.code, said.err) == (2, f"novaflow: extra and web both declare port {toy.port}; change one of them\n")
    assert untouched(toy)


async def test_an_unknown_need_is_refused_with_the_nearest(toy: Toy) -> None:
    """Up, which would install first, refuses as well, and installs nothing."""
    toy.write("components/extra.py", COMPONENT.format(name="extra", needs="wbe", port=9))
    said = await toy.call("up")
    assert (said.code, said.err) == (2, "novaflow: extra.prepare needs 'wbe', which does not exist; did you mean 'web'?\n")
    assert untouched(toy)


async def test_a_cycle_is_refused_with_the_walk(toy: Toy) -> None:
    """From a node back to itself."""
    toy.write("components/extra.py", COMPONENT.format(name="extra", needs="extra", port=9))
    said = await toy.call("graph", "run")
    assert said.code == 2
    assert "dependency cycle: extra.prepare -> extra -> extra.prepare" in said.err


async def test_a_port_that_is_taken_is_named_with_its_owner(toy: Toy) -> None:
    """Port, program and process: what to stop, and nothing was started."""
    toy.installed()
    with socket.create_server(("127.0.0.1", toy.port)):
        said = await toy.call("run", "--wait-ready")
    assert said.code == 5
    assert f"port {toy.port}, which web needs, is in use by " in said.err
    assert f"(pid {os.getpid()})" in said.err
    assert not toy.is_held


async def test_a_service_that_fails_shows_its_last_lines(toy: Toy) -> None:
    """The start fails at once, what was up is stopped, and the exit code says that the run failed."""
    toy.add("print('no licence'); raise SystemExit(7)")
    toy.installed()
    said = await toy.call("run", "--wait-ready")
    assert said.code == 3
    assert "extra exited with 7\n" in said.out
    assert "no licence" in said.out
    assert f"nova did not come up: failed: extra; everything was stopped; logs are in {toy.root}/log" in said.err
    assert not toy.is_held
    status = await toy.call("status")
    assert status.code == 3


async def test_an_attached_run_that_fails_says_so(toy: Toy) -> None:
    """The same without waiting for readiness."""
    toy.add("raise SystemExit(7)")
    toy.installed()
    assert (await toy.call("run")).code == 3


async def test_what_is_not_ready_in_time_is_named(toy: Toy) -> None:
    """Exit code 4; it goes on starting, and clean ends it."""
    toy.add(SLEEP)
    toy.installed()
    said = await toy.call("run", "--wait-ready", "--timeout", "3")
    assert said.code == 4
    assert said.err == "novaflow: nova not ready after 3 s: still waiting for extra; it keeps starting\n"
    assert toy.is_held
    assert (await toy.call("status")).code == 4


async def test_two_at_once_on_one_stack_do_not_both_run(toy: Toy) -> None:
    """One brings it up; the other refuses, naming it, or finds it up. Never are there two."""
    said: list[Said] = []

    async def up() -> None:
        said.append(await toy.call("up"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(up)
        tasks.start_soon(up)
    first, second = sorted(said, key=lambda one: one.code)
    assert first.code == 0
    assert second.code in {0, 2, 5}
    if second.code:
        assert "novaflow up" in second.err or "nova is starting" in second.err
    assert len((await toy.status())["services"]) == 1


async def test_clean_waits_for_no_install(toy: Toy) -> None:
    """A stack somebody is at work on is left alone, and who it is is said."""
    toy.write(
        "components/extra.py",
        """
from novaflow.model.component import Component
from novaflow.model.step import step


@step(within_s=60)
async def fetch(ctx):
    \"\"\"Fetch for ever.\"\"\"
    await ctx.run("sleep", "600")


COMPONENT = Component("extra", "A slow toy.", {"install": (fetch,)})
""",
    )
    async with toy.calling("install") as install:
        await toy.wait_told("novaflow.step.started")
        for command in ("clean", "install", "up"):
            said = await toy.call(command)
            assert said.code == 5
            assert said.err == f"novaflow: another novaflow works on {toy.root}: `novaflow install`, pid {install.pid}\n"
        install.terminate()
        assert await install.wait() == 143


async def test_an_unknown_workflow_is_refused_with_those_there_are(toy: Toy) -> None:
    """The message lists them."""
    said = await toy.call("graph", "rnu")
    assert (said.code, said.err) == (2, "novaflow: there is no workflow 'rnu'; there are: clean, install, run, verify\n")


async def test_an_unknown_component_is_refused_with_the_nearest(toy: Toy) -> None:
    """Names of today and of nova.sh are known."""
    said = await toy.call("up", NOVAFLOW_SERVICES="htpd")
    assert (said.code, said.err) == (2, "novaflow: unknown component 'htpd'; did you mean 'httpd'?\n")
    assert untouched(toy)


async def test_an_unknown_command_is_refused(toy: Toy) -> None:
    """As every program does."""
    said = await toy.call("rnu")
    assert said.code == 2
    assert "No such command 'rnu'" in said.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SCREEN_NAMR=1\n", ("./.env line 1", "SCREEN_NAMR", "SCREEN_NAME")),
        ("SCREEN_STATUS=0\nSCREEN_NAME='1\n", ("./.env line 2",)),
        ("HOST_IP=10.0.0.256\n", ("HOST_IP=10.0.0.256 (./.env line 1)", "an IPv4 address of this machine")),
        ("NOVAFLOW_JOBS=0\n", ("NOVAFLOW_JOBS=0 (./.env line 1)", "a whole number from 1 up")),
    ],
)
async def test_a_bad_setting_names_where_it_was_set(toy: Toy, text: str, said: tuple[str, ...]) -> None:
    """Name, value, place, and what is allowed; nothing is touched."""
    (toy.folder / ".env").write_text(text)
    answer = await toy.call("up")
    assert answer.code == 2
    assert [word for word in said if word not in answer.err] == [], answer.err
    assert untouched(toy)


async def test_a_setting_file_that_is_a_folder_is_refused(toy: Toy) -> None:
    """Unreadable is said to be unreadable."""
    (toy.folder / ".env").mkdir()
    said = await toy.call("up")
    assert said.code == 2
    assert ".env" in said.err
    assert untouched(toy)


async def test_set_wants_a_name_and_a_value(toy: Toy) -> None:
    """The message shows what was found."""
    said = await toy.call("status", "--set", "USE_MYSQL")
    assert (said.code, said.err) == (2, "novaflow: --set: expected NAME=VALUE, found 'USE_MYSQL'\n")


async def test_a_machine_that_cannot_do_it_is_told_all_that_is_missing(toy: Toy) -> None:
    """By up and by doctor, with exit code 5, and before anything is touched."""
    toy.write(
        "components/extra.py",
        """
from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component


def memory(_, __):
    return CheckResult("memory", Severity.BAD, "1 GiB", "4 GiB are needed")


def disk(_, __):
    return CheckResult("disk", Severity.BAD, "1 GiB free", "make room")


COMPONENT = Component("extra", "A big toy.", checks=(memory, disk))
""",
    )
    said = await toy.call("up")
    assert (said.code, said.err) == (5, "novaflow: memory: 1 GiB; 4 GiB are needed\ndisk: 1 GiB free; make room\n")
    assert untouched(toy)
    doctor = await toy.call("doctor", "--json")
    assert (doctor.code, [result["severity"] for result in doctor.json]) == (5, ["bad", "bad"])


async def test_a_folder_too_deep_for_sockets_is_refused(toy: Toy) -> None:
    """The kernel's limit is said at once, instead of by the first service that trips over it."""
    said = await toy.call("up", f"{toy.folder}/{'deep/' * 20}nova")
    assert said.code == 2
    assert "is too long a path for a socket" in said.err


async def test_a_place_that_cannot_be_written_is_named(toy: Toy) -> None:
    """A machine's fault, with the system's reason."""
    said = await toy.call("install", "/proc/nova")
    assert said.code == 5
    assert "cannot write /proc/nova/run/stack.lock" in said.err
