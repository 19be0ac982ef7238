"""No process of a stack escapes, and what cannot be ended is named.

Done: a service starts a process that changes its id all the time: each forks, calls setsid, clears its environment, ignores
SIGTERM, and exits. The supervisor is killed, and `clean` is called. A second service waits for a disk that does not answer, so that
no signal ends it. How often: twice and once; 30 and 10 times with ``FAULTS=long``.
Must hold: `clean` ends the first with exit code 0, and no process is left in the control group; it names the second with an
exit code of 3, and says so until the disk answers.
"""

# ruff: noqa: S603, S607, TID251, ASYNC221 - makes and mounts a file system, which takes a moment

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from novaflow.adapters.process import ProcessOwner, find_processes
from tests.faults.disks import require_root
from tests.faults.scale import TIMEOUT_S, times
from tests.support.programs import is_running, wait_until
from tests.system.toy import Toy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(TIMEOUT_S)]

ROUNDS = times(2, 30)
BLOCKED_ROUNDS = times(1, 10)  # each waits for the end of the process in vain, as long as `clean` does
WITHIN_S = 30

# The service waits until the first process has left; that one and its descendants have no environment. They end by themselves after
# ten minutes: a test that is interrupted cannot end them.
HOPPING = """
import os, signal, sys, time
hop = '''
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
end = time.monotonic() + 600
while time.monotonic() < end:
    if os.fork():
        os._exit(0)
    os.setsid()
    time.sleep(0.001)
'''
if os.fork() == 0:
    os.execve(sys.executable, [sys.executable, "-ISc", hop], {})
os.wait()
time.sleep(600)
"""
BLOCKED = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
file = os.open({file!r}, os.O_WRONLY | os.O_CREAT)
print("opened", flush=True)
while True:
    os.pwrite(file, b"x", 0)
    time.sleep(0.001)
"""


def is_blocked(pid: int) -> bool:
    """Return whether no signal reaches the process. Source: proc_pid_stat(5), state D."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "D"


@contextmanager
def disk_image(folder: Path) -> Iterator[Path]:
    """Mount a file system that can be frozen."""
    require_root()
    image, mount = folder / "image", folder / "disk"
    mount.mkdir()
    subprocess.run(["truncate", "--size=16M", image], check=True, timeout=WITHIN_S)
    subprocess.run(["mkfs.ext4", "-q", image], check=True, timeout=WITHIN_S)
    subprocess.run(["mount", "-o", "loop", image, mount], check=True, timeout=WITHIN_S)
    try:
        yield mount
    finally:
        subprocess.run(["fsfreeze", "--unfreeze", mount], check=False, stderr=subprocess.DEVNULL, timeout=WITHIN_S)
        subprocess.run(["umount", mount], check=True, timeout=WITHIN_S)


async def crash(toy: Toy) -> None:
    """Kill the supervisor."""
    (await toy.supervisor()).kill()
    await toy.wait_released()


async def test_a_process_that_changes_its_id_is_ended(toy: Toy) -> None:
    """A list of processes is out of date at once; the control group is not."""
    toy.add(HOPPING, answer="awake")
    group = ProcessOwner(toy.paths).cgroup
    if group is None:
        pytest.skip("this machine does not allow control groups of version 2")
    for _ in range(ROUNDS):
        await toy.ready()
        await crash(toy)
        assert len([*group.pids()]) >= 2
        cleaned = await toy.call("clean")
        assert (cleaned.code, cleaned.err) == (0, "")
        assert [*group.pids()] == []
        assert not group.path.exists()


async def test_a_process_that_cannot_be_ended_is_named(toy: Toy) -> None:
    """The exit code is 3 while it runs, its record is kept, and 0 when it has been ended."""
    with disk_image(toy.folder) as disk:
        toy.add(BLOCKED.format(file=str(disk / "file")), answer="awake")
        for _ in range(BLOCKED_ROUNDS):
            await toy.ready()
            (pid,) = [service["pid"] for service in (await toy.status())["services"] if service["name"] == "extra"]
            subprocess.run(["fsfreeze", "--freeze", disk], check=True, timeout=WITHIN_S)
            await wait_until(lambda pid=pid: is_blocked(pid))  # type: ignore[misc]
            await crash(toy)
            refused = await toy.call("clean")
            assert refused.code == 3, refused
            assert f"process {pid} still runs: " in refused.err
            assert pid in {process.pid for process in find_processes(ProcessOwner(toy.paths))}
            subprocess.run(["fsfreeze", "--unfreeze", disk], check=True, timeout=WITHIN_S)
            assert (await toy.call("clean")).code == 0
            assert not is_running(pid)
