"""A service that writes its log as fast as it can fills no disk.

Done: a service writes as much as it can to its log. The stack's folder is a file system of 256 MiB, which the service fills within
a second, so that a rotation finds no space as well. How often: until the log was rotated 10 times, 200 with ``FAULTS=long``.
Must hold: the files of the log stay within twice the limit of one when the service pauses; the memory of the supervisor stays
within 8 MiB; `status` answers; the supervisor keeps its process; there is no traceback.
"""

import anyio
import pytest

from novaflow.adapters.storage.log_rotation import LARGEST
from tests.faults.disks import small_disk
from tests.faults.scale import TIMEOUT_S, times
from tests.system.toy import Toy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(TIMEOUT_S)]

ROTATIONS = times(10, 200)
WARM = 3  # rotations until the memory of the supervisor has its size
GROWTH = 8 << 20  # bytes
SIZE_MIB = 256
WITHIN_S = TIMEOUT_S / 2

FLOOD = """
import os, pathlib
line = b"x" * 4095 + b"\\n"
while not pathlib.Path({quiet!r}).exists():
    for _ in range(1000):
        try:
            os.write(1, line)
        except OSError:
            break
while True:
    import time; time.sleep(600)
"""


async def wait_rotated(toy: Toy, times: int) -> None:
    """Wait until logs were rotated that often; meanwhile the supervisor answers."""
    log = toy.paths.log / "supervisor.log"
    with anyio.fail_after(WITHIN_S):
        while log.read_text(errors="replace").count('"log.rotated"') < times:
            assert (await toy.status())["state"] == "ready"
            await anyio.sleep(0.1)


async def test_a_log_flood_is_bounded(toy: Toy) -> None:
    """The log, its predecessor and the memory of the supervisor stay small."""
    quiet = toy.folder / "quiet"
    toy.add(FLOOD.format(quiet=str(quiet)), answer="awake")
    with small_disk(toy.root, SIZE_MIB):
        await toy.ready()
        supervisor = await toy.supervisor()
        await wait_rotated(toy, WARM)
        before = supervisor.memory_info().rss
        await wait_rotated(toy, ROTATIONS)
        assert supervisor.memory_info().rss - before < GROWTH
        assert (await toy.call("logs", "extra")).code == 0
        quiet.touch()
        sizes = [toy.paths.log / "extra.log", toy.paths.log / "extra.log.1"]
        with anyio.fail_after(WITHIN_S):
            while any(path.stat().st_size > LARGEST for path in sizes):  # noqa: ASYNC110 - another process rotates them
                await anyio.sleep(0.05)
        assert (await toy.supervisor()).pid == supervisor.pid
        assert "Traceback" not in (toy.paths.log / "supervisor.log").read_text(errors="replace")
        await toy.end()
