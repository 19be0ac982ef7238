"""The fixtures of pytest, in a project of their own that tests against a toy stack."""

import sys

import anyio
import pytest

from tests.system.toy import Result, Toy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

RESTART = """
def test_a_restart(novaflow_stack, event_stream):
    assert novaflow_stack.is_ready()
    novaflow_stack.run("restart", "web")
    event = event_stream.wait_for("service.ready", subject="w*")
    assert (event["subject"], event["data"]["port"]) == ("web", PORT)
"""
NO_EVENT = """
def test_an_event(novaflow_stack, event_stream):
    novaflow_stack.run("restart", "web")
    event_stream.wait_for("service.ready", subject="web")
    event_stream.wait_for("service.*", subject="other", within_s=0.5)
"""


async def run_tests(toy: Toy, code: str, *options: str) -> Result:
    """Run a file of tests as a project of its own does, in the folder of the toy."""
    (toy.folder / "test_project.py").write_text(code.replace("PORT", str(toy.port)))
    argv = [
        sys.executable,
        "-m",
        "pytest",
        "-W",
        "error",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(toy.folder),
        *options,
        "test_project.py",
    ]
    with anyio.fail_after(100):
        ended = await anyio.run_process(argv, check=False, cwd=toy.folder, env=toy.env)
    return Result(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


async def test_a_stack_is_started_and_stopped(toy: Toy) -> None:
    """The tests see its events from their start on."""
    ended = await run_tests(toy, RESTART)
    assert ended.code == 0, ended.out
    assert not toy.is_held


async def test_a_started_stack_can_be_kept(toy: Toy) -> None:
    """The next tests join it, and leave it up."""
    assert (await run_tests(toy, RESTART, "--novaflow-keep")).code == 0
    kept = await toy.supervisor()
    assert (await run_tests(toy, RESTART, "--novaflow-dir", str(toy.root))).code == 0
    assert await toy.supervisor() == kept


async def test_a_stack_that_does_not_start_is_reported(toy: Toy) -> None:
    """The error of the test has the message of `novaflow up`, and the next command."""
    toy.add("raise SystemExit(7)")
    ended = await run_tests(toy, RESTART)
    assert ended.code == 1
    assert "RuntimeError: novaflow up ended with 3:" in ended.out
    assert " explain extra    shows what it waits for" in ended.out


async def test_a_missing_event_is_reported(toy: Toy) -> None:
    """The error names what was waited for, and what came instead."""
    await toy.ready()
    ended = await run_tests(toy, NO_EVENT)
    assert ended.code == 1
    assert "AssertionError: no event service.* about other within 0.5 s; these came: " in ended.out
    assert "service.started web" in ended.out


async def test_parallel_processes_do_not_start_a_stack(toy: Toy) -> None:
    """Each would stop it while the others use it."""
    ended = await run_tests(toy, RESTART, "--numprocesses=2")
    assert ended.code == 1
    assert f"the stack in {toy.root} is not ready; several processes of tests join one that is: novaflow up {toy.root}" in ended.out
    assert not toy.root.exists()
