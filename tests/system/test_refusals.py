"""Invalid input, workflows and machines: clear errors, exit codes, and no changes."""

import os
import socket
import sys

import anyio
import pytest

from tests.system.toy import NOVA_SH, SLEEP, Result, Toy

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
    """Return whether the stack's folder is missing or has no logs."""
    return not (toy.root / "log").exists() and not toy.is_held


async def test_a_syntax_error_is_shown_with_file_and_line(toy: Toy) -> None:
    """Nothing is changed."""
    toy.write("components/extra.py", "COMPONENT = 1\ndef (:\n")
    result = await toy.call("up")
    assert (result.code, result.err) == (2, f"novaflow: {toy.workflows}/components/extra.py: line 2: invalid syntax\n")
    assert untouched(toy)


async def test_a_port_conflict_is_rejected(toy: Toy) -> None:
    """The error names both services."""
    toy.write("components/extra.py", COMPONENT.format(name="extra", needs="web", port="PORT"))
    result = await toy.call("install")
    assert (result.code, result.err) == (2, f"novaflow: extra and web both declare port {toy.port}; change one of them\n")
    assert untouched(toy)


async def test_an_unknown_need_is_rejected(toy: Toy) -> None:
    """`up` rejects it before it installs anything."""
    toy.write("components/extra.py", COMPONENT.format(name="extra", needs="wbe", port=9))
    result = await toy.call("up")
    assert (result.code, result.err) == (2, "novaflow: extra.prepare needs 'wbe', which does not exist; did you mean 'web'?\n")
    assert untouched(toy)


async def test_a_cycle_is_rejected(toy: Toy) -> None:
    """The error shows its nodes."""
    toy.write("components/extra.py", COMPONENT.format(name="extra", needs="extra", port=9))
    result = await toy.call("graph", "run")
    assert result.code == 2
    assert "dependency cycle: extra.prepare -> extra -> extra.prepare" in result.err


async def test_a_port_in_use_is_rejected(toy: Toy) -> None:
    """The error names port, program and process, and nothing is started."""
    toy.installed()
    with socket.create_server(("127.0.0.1", toy.port)):
        result = await toy.call("run", "--wait-ready")
    assert result.code == 5
    assert f"port {toy.port}, which web needs, is in use by " in result.err
    assert f"(pid {os.getpid()})" in result.err
    assert not toy.is_held


async def test_a_failed_service_shows_its_log(toy: Toy) -> None:
    """The start fails at once, running services are stopped, and the exit code is 3."""
    toy.add("print('no licence'); raise SystemExit(7)")
    toy.installed()
    result = await toy.call("run", "--wait-ready")
    assert result.code == 3
    assert "extra exited with 7\n" in result.out
    assert "no licence" in result.out
    assert f"nova did not come up: failed: extra; everything was stopped; logs are in {toy.root}/log" in result.err
    assert not toy.is_held
    status = await toy.call("status")
    assert status.code == 3


async def test_an_attached_run_that_fails_exits_with_3(toy: Toy) -> None:
    """As without waiting for readiness."""
    toy.add("raise SystemExit(7)")
    toy.installed()
    assert (await toy.call("run")).code == 3


async def test_a_service_that_is_not_ready_in_time_is_named(toy: Toy) -> None:
    """The exit code is 4; the stack continues to start until `clean`."""
    toy.add(SLEEP)
    toy.installed()
    result = await toy.call("run", "--wait-ready", "--timeout", "3")
    assert result.code == 4
    assert result.err == (
        "novaflow: nova not ready after 3 s: still waiting for extra; it keeps starting\n\n"
        f"  {NOVA_SH} explain extra    shows what it waits for, its log and how it failed\n"
    )
    assert toy.is_held
    assert (await toy.call("status")).code == 4


async def test_a_stack_that_starts_is_not_started_twice(toy: Toy) -> None:
    """The error says what is true and what to do."""
    toy.add(SLEEP)
    toy.installed()
    assert (await toy.call("run", "--detach")).code == 0
    refused = await toy.call("up")
    assert refused.code == 2
    assert refused.err.startswith("novaflow: nova is starting since ")
    assert refused.err.endswith("; wait until it is ready, which `novaflow status` shows; `novaflow clean` stops it\n")


async def test_concurrent_starts_share_one_stack(toy: Toy) -> None:
    """One command starts it; the other is rejected or finds it running."""
    result: list[Result] = []

    async def up() -> None:
        result.append(await toy.call("up"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(up)
        tasks.start_soon(up)
    first, second = sorted(result, key=lambda one: one.code)
    assert first.code == 0
    assert second.code in {0, 2, 5}
    if second.code:
        assert "`novaflow up`, pid " in second.err or "nova is starting" in second.err
    assert len((await toy.status())["services"]) == 1


async def test_clean_does_not_interrupt_an_install(toy: Toy) -> None:
    """The error names the command and the process that hold the lock."""
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
        await toy.wait_published("novaflow.step.started")
        for command in ("clean", "install", "up"):
            result = await toy.call(command)
            assert result.code == 5
            user = f"another novaflow process: `novaflow install`, pid {install.pid}"
            assert result.err == f"novaflow: {toy.root} is in use by {user}; wait until it has ended\n"
        install.terminate()
        assert await install.wait() == 143


async def test_an_unknown_workflow_is_rejected(toy: Toy) -> None:
    """The error lists the workflows."""
    result = await toy.call("graph", "rnu")
    assert (result.code, result.err) == (2, "novaflow: there is no workflow 'rnu'; there are: clean, install, run, verify\n")


async def test_an_unknown_component_is_rejected(toy: Toy) -> None:
    """The error suggests the closest name or alias."""
    result = await toy.call("up", NOVAFLOW_SERVICES="htpd")
    assert (result.code, result.err) == (2, "novaflow: unknown component 'htpd'; did you mean 'httpd'?\n")
    assert untouched(toy)


async def test_an_unknown_command_is_rejected(toy: Toy) -> None:
    """The exit code is 2."""
    result = await toy.call("rnu")
    assert result.code == 2
    assert "No such command 'rnu'" in result.err


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("SCREEN_NAMR=1\n", ("./.env line 1", "SCREEN_NAMR", "SCREEN_NAME")),
        ("SCREEN_STATUS=0\nSCREEN_NAME='1\n", ("./.env line 2",)),
        ("HOST_IP=10.0.0.256\n", ("HOST_IP=10.0.0.256 (./.env line 1)", "an IPv4 address of this machine")),
        ("NOVAFLOW_JOBS=0\n", ("NOVAFLOW_JOBS=0 (./.env line 1)", "a whole number from 1 up")),
    ],
)
async def test_an_invalid_setting_is_rejected(toy: Toy, text: str, parts: tuple[str, ...]) -> None:
    """The error names setting, value, place and allowed values, and nothing is changed."""
    (toy.folder / ".env").write_text(text)
    answer = await toy.call("up")
    assert answer.code == 2
    assert [part for part in parts if part not in answer.err] == [], answer.err
    assert untouched(toy)


async def test_a_settings_file_that_is_a_folder_is_ignored(toy: Toy) -> None:
    """A virtual environment may have this name; every command says so and works."""
    (toy.folder / ".env").mkdir()
    result = await toy.call("config", "--json")
    assert (result.code, result.json["SCREEN_NAME"]["origin"]) == (0, "default")
    assert result.err == "novaflow: ./.env is a folder, such as a virtual environment, and no file of settings: it is ignored\n"


async def test_set_needs_a_name_and_a_value(toy: Toy) -> None:
    """The error shows the argument."""
    result = await toy.call("status", "--set", "USE_MYSQL")
    assert (result.code, result.err) == (2, "novaflow: --set: expected NAME=VALUE, found 'USE_MYSQL'\n")


async def test_an_unfit_machine_is_rejected(toy: Toy) -> None:
    """`up` and `doctor` list all failed checks with exit code 5, and nothing is changed."""
    toy.write(
        "components/extra.py",
        """
from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component


def memory(_, __):
    return CheckResult("memory", Severity.BAD, "1 GiB", "4 GiB are needed")


def disk(_, __):
    return CheckResult("disk", Severity.BAD, "1 GiB free", "free some space")


COMPONENT = Component("extra", "A big toy.", checks=(memory, disk))
""",
    )
    result = await toy.call("up")
    assert (result.code, result.err) == (5, "novaflow: memory: 1 GiB; 4 GiB are needed\ndisk: 1 GiB free; free some space\n")
    assert untouched(toy)
    doctor = await toy.call("doctor", "--json")
    assert (doctor.code, [result["severity"] for result in doctor.json]) == (5, ["bad", "bad"])


async def test_a_path_too_long_for_sockets_is_rejected(toy: Toy) -> None:
    """The error names the limit of the kernel."""
    result = await toy.call("up", f"{toy.folder}/{'deep/' * 20}nova")
    assert result.code == 2
    assert "choose a DIR with a shorter path" in result.err


async def test_a_folder_that_cannot_be_written_is_rejected(toy: Toy) -> None:
    """The error contains the reason of the system."""
    result = await toy.call("install", "/proc/nova")
    assert result.code == 5
    assert "cannot write /proc/nova/run/stack.lock" in result.err


async def call_in_deleted_folder(toy: Toy, words: str) -> Result:
    """Run a command in a folder that has been deleted."""
    command = f"mkdir deleted && cd deleted && rmdir ../deleted && exec {sys.executable} -m novaflow.cli.main {words}"
    ended = await anyio.run_process(["sh", "-c", command], check=False, cwd=toy.folder, env=toy.env)
    return Result(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


async def test_a_deleted_current_folder_has_no_default_stack(toy: Toy) -> None:
    """It is one line, with the exit code of a usage error."""
    result = await call_in_deleted_folder(toy, "status")
    assert result.code == 2
    assert result.err == "novaflow: the current folder has been deleted; change to another one, or name the whole path of DIR\n"


async def test_the_current_folder_may_be_deleted(toy: Toy) -> None:
    """A stack that is named by its whole path is started, shown and stopped."""
    for words, code in (("up", 0), ("status --json", 0), ("config", 0), ("verify", 0), ("env", 0), ("doctor", 0), ("clean", 0)):
        result = await call_in_deleted_folder(toy, f"{words} {toy.root}")
        assert (result.code, "Traceback" in result.err) == (code, False), (words, result)
    assert not toy.is_held


@pytest.mark.parametrize("words", [("config",), ("--help",), ("status", "--json"), ("graph", "run"), ("events",)])
async def test_an_output_that_cannot_be_written_is_reported(toy: Toy, words: tuple[str, ...]) -> None:
    """A full disk below a redirected output is one line, not a traceback."""
    command = f"exec {sys.executable} -m novaflow.cli.main {' '.join(words)} >/dev/full"
    await toy.installed().call("install")  # the journal has events
    ended = await anyio.run_process(["sh", "-c", command], check=False, cwd=toy.folder, env=toy.env)
    assert ended.returncode == 5
    assert ended.stderr.splitlines()[-1] == b"novaflow: the output cannot be written: no space left on device"
    assert b"Traceback" not in ended.stderr
