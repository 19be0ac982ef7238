"""Orphaned processes: adopted and reaped."""

import sys
from pathlib import Path

import anyio
import pytest

from tests.support.programs import WITHIN_S

# The parent of the grandchild exits at once, so that it is orphaned; then it exits.
PROGRAM = """
import os, sys
sys.path.insert(0, sys.argv[1])
import anyio, psutil
from novaflow.adapters.process import become_subreaper, reap_orphans

become_subreaper()
read, write = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        os.write(write, str(os.getpid()).encode())
    os._exit(0)
os.wait()
orphan = int(os.read(read, 10))

async def watch():
    async with anyio.create_task_group() as tasks:
        while psutil.Process(orphan).status() != psutil.STATUS_ZOMBIE:
            await anyio.sleep(0.001)
        print("adopted" if psutil.Process(orphan).ppid() == os.getpid() else "lost", flush=True)
        tasks.start_soon(lambda: reap_orphans(every_s=0.01))
        while psutil.pid_exists(orphan):
            await anyio.sleep(0.001)
        print("reaped", flush=True)
        tasks.cancel_scope.cancel()

anyio.run(watch)
"""


@pytest.mark.slow
async def test_orphans_are_adopted_and_reaped() -> None:
    """A process whose parent has exited becomes a child of this process, and leaves no zombie."""
    with anyio.fail_after(WITHIN_S):
        ended = await anyio.run_process([sys.executable, "-c", PROGRAM, str(Path(__file__).parents[3])])
    assert ended.stdout.decode().splitlines() == ["adopted", "reaped"]
