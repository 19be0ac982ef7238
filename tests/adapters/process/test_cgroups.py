"""Control groups: no process of a node escapes."""

# ruff: noqa: ASYNC220, S603, TID251 - tests start their own programs; starting one blocks for a millisecond

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from novaflow.adapters.process import Cgroup, find_base, find_stack_cgroup

ESCAPE = """
import os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork():
    signal.pause()
os.setsid()
if os.fork():
    os._exit(0)
os.execve(sys.executable, [sys.executable, "-c", "import time; time.sleep(60)"], {})
"""


@pytest.fixture
def cgroup(tmp_path: Path) -> Iterator[Cgroup]:
    """Return a new group; it is removed with all its processes."""
    found = find_stack_cgroup(tmp_path, find_base())
    if found is None:
        pytest.skip("this machine does not allow control groups of version 2")
    found.create()
    yield found
    found.kill()
    found.remove()


async def wait_pids(cgroup: Cgroup, count: int) -> list[int]:
    """Wait until the group holds that many processes and return them."""
    with anyio.fail_after(10):
        while len(pids := [*cgroup.pids()]) != count:  # noqa: ASYNC110 - the kernel offers no event for it
            await anyio.sleep(0.01)
    return pids


def has_no_environment(pid: int) -> bool:
    """Return whether the process has started its last program, without environment."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes() == b""
    return False


async def test_a_process_that_leaves_session_and_environment_is_found(cgroup: Cgroup) -> None:
    """A daemon with a session of its own, without environment and ignoring SIGTERM is in the group, and is killed with it."""
    with subprocess.Popen(cgroup.wrap([sys.executable, "-c", ESCAPE])) as leader:
        with anyio.fail_after(10):
            while not [pid for pid in cgroup.pids() if pid != leader.pid and has_no_environment(pid)]:  # noqa: ASYNC110
                await anyio.sleep(0.01)
        cgroup.kill()
        await wait_pids(cgroup, 0)
        assert leader.wait(10) == -9
    cgroup.remove()
    assert not cgroup.path.exists()


async def test_a_group_with_a_process_is_not_removed(cgroup: Cgroup) -> None:
    """Removing a group that is in use changes nothing."""
    with subprocess.Popen(cgroup.wrap(["sleep", "60"])):
        await wait_pids(cgroup, 1)
        cgroup.remove()
        assert [*cgroup.pids()]
        cgroup.kill()


def test_the_command_is_unchanged_by_the_group(cgroup: Cgroup) -> None:
    """Arguments with spaces and quotes reach the program as they are, and so does its exit code."""
    done = subprocess.run(
        cgroup.wrap(["sh", "-c", 'printf "[%s]" "$@"; exit 7', "sh", "a b", "'c'"]), capture_output=True, check=False, timeout=10
    )
    assert (done.stdout, done.returncode) == (b"[a b]['c']", 7)


def test_each_stack_has_a_group(tmp_path: Path) -> None:
    """Two stacks have two groups; the same stack has the same one each time."""
    base = tmp_path / "base"
    one, two = find_stack_cgroup(tmp_path / "one", base), find_stack_cgroup(tmp_path / "two", base)
    assert one != two
    assert one == find_stack_cgroup(tmp_path / "one", base)
    assert find_stack_cgroup(tmp_path, None) is None
