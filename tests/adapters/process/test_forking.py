"""Programs that a fork server starts: owned, followed and ended as others."""

import signal
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import anyio.lowlevel
import psutil
import pytest
from structlog.testing import capture_logs

from novaflow.adapters.process import Command, ProcessOwner, adopting, become_subreaper, find_processes, running
from novaflow.adapters.process.running_process import AdoptedProcess
from tests.support.fork_servers import running_server, write_script
from tests.support.programs import WITHIN_S, is_running, wait_for_text

CODE = "import sys, time\nprint('up', *sys.argv[1:], flush=True)\ntime.sleep(60)"


def command_of(owner: ProcessOwner, script: Path, server: Path, *arguments: str) -> Command:
    """Return a command that a fork server starts."""
    paths = owner.paths
    return Command((script, *arguments), {"PATH": "/usr/bin:/bin"}, paths.run, paths.log / "web.log", 5, server)


async def test_a_forked_program_belongs_to_its_node(owner: ProcessOwner, tmp_path: Path) -> None:
    """It is found by its group, its session and its marker, and ends with the block."""
    script = write_script(tmp_path / "script", CODE)
    async with running_server(tmp_path) as server:
        async with running(owner, command_of(owner, script, server, "arguments")) as process:
            await wait_for_text(owner.paths.log / "web.log", "up arguments\n")
            assert isinstance(process, AdoptedProcess)
            assert [found.pid for found in find_processes(owner)] == [process.pid]
            assert owner.leaders()[0].pid == process.pid
            assert psutil.Process(process.pid).environ()["NOVAFLOW_NODE"] == owner.marker["NOVAFLOW_NODE"]
            if owner.cgroup:
                assert [*owner.cgroup.pids()] == [process.pid]
        assert not is_running(process.pid)


async def test_the_exit_code_of_a_forked_program_is_known(owner: ProcessOwner, tmp_path: Path) -> None:
    """The supervisor becomes its parent."""
    become_subreaper()
    script = write_script(tmp_path / "script", "raise SystemExit(int(__import__('sys').argv[1]))")
    async with running_server(tmp_path) as server:
        async with running(owner, command_of(owner, script, server, "7")) as process:
            with anyio.fail_after(WITHIN_S):
                await process.wait()
            assert isinstance(process, AdoptedProcess)
            assert process.returncode == 7
        script.write_text(script.read_text().replace("raise SystemExit", "__import__('os').kill(__import__('os').getpid(), 9) or "))
        async with running(owner, command_of(owner, script, server, "7")) as process:
            with anyio.fail_after(WITHIN_S):
                await process.wait()
            assert isinstance(process, AdoptedProcess)
            assert process.returncode == -signal.SIGKILL


async def test_a_forked_program_is_adopted(owner: ProcessOwner, tmp_path: Path) -> None:
    """As any other, by the next supervisor."""
    script = write_script(tmp_path / "script", CODE)
    async with running_server(tmp_path) as server, AsyncExitStack() as stack:
        process = await stack.enter_async_context(running(owner, command_of(owner, script, server)))
        assert isinstance(process, AdoptedProcess)
        async with adopting(owner, 5) as adopted:
            assert adopted is not None
            assert adopted.pid == process.pid


async def test_it_outlives_its_server(owner: ProcessOwner, tmp_path: Path) -> None:
    """And the end of the server's group does not end it."""
    script = write_script(tmp_path / "script", CODE)
    async with AsyncExitStack() as stack:
        async with running_server(tmp_path) as server:
            process = await stack.enter_async_context(running(owner, command_of(owner, script, server)))
            await wait_for_text(owner.paths.log / "web.log", "up\n")
        assert isinstance(process, AdoptedProcess)
        assert is_running(process.pid)


async def test_a_cancelled_start_leaves_no_process(owner: ProcessOwner, tmp_path: Path) -> None:
    """Neither one that waits nor one that runs, at whatever await the cancellation arrives."""
    script = write_script(tmp_path / "script", CODE)
    async with running_server(tmp_path) as server:
        for awaits in range(40):
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(cancel_after, awaits, scope)
                    async with running(owner, command_of(owner, script, server)):
                        scope.cancel()
            assert find_processes(owner) == ()
            assert owner.leaders() == []


async def cancel_after(awaits: int, scope: anyio.CancelScope) -> None:
    """Cancel when the event loop has run that many times."""
    for _ in range(awaits):
        await anyio.lowlevel.checkpoint()
    scope.cancel()


async def test_a_program_without_a_record_is_ended_first(owner: ProcessOwner, tmp_path: Path) -> None:
    """A supervisor that is killed just then leaves one; it is in the group of the node."""
    if owner.cgroup is None:
        pytest.skip("this machine does not allow control groups of version 2")
    script = write_script(tmp_path / "script", CODE)
    async with running_server(tmp_path) as server, running(owner, command_of(owner, script, server)) as left:
        owner.forget()
        async with running(owner, command_of(owner, script, server)) as process:
            assert [found.pid for found in find_processes(owner)] == [process.pid]
            assert not is_running(left.pid)


async def test_without_a_server_it_starts_alone(owner: ProcessOwner, tmp_path: Path) -> None:
    """The reason is logged."""
    script = write_script(tmp_path / "script", CODE)
    with capture_logs() as logs:
        async with running(owner, command_of(owner, script, tmp_path / "missing.sock", "alone")):
            await wait_for_text(owner.paths.log / "web.log", "up alone\n")
    assert [entry["event"] for entry in logs] == ["process.not_forked"]


async def test_what_the_server_refuses_starts_alone(owner: ProcessOwner, tmp_path: Path) -> None:
    """The server runs scripts of its own Python only."""
    shell = tmp_path / "script"
    shell.write_text("#!/bin/sh\necho up\nexec sleep 60\n")
    shell.chmod(0o700)
    with capture_logs() as logs:
        async with running_server(tmp_path) as server, running(owner, command_of(owner, shell, server)):
            await wait_for_text(owner.paths.log / "web.log", "up\n")
    assert [entry["reason"].partition(" is no script")[0] for entry in logs] == [f"ValueError: {shell}"]
