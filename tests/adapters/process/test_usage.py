"""The resource use of real programs."""

import os
import time
from pathlib import Path

import pytest

from novaflow.adapters.process import Command, Meter, ProcessOwner, running
from tests.support.programs import python, wait_for_text

BUSY = """
import os, subprocess, sys, time
held = bytearray(64 << 20)
print("up", flush=True)
child = subprocess.Popen([sys.executable, "-IS", "-c", "while True: pass"])
time.sleep(60)
"""


# A process with a session and a parent of its own, as a helper that a fork server has started.
SEPARATE = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        held = bytearray(64 << 20)
        print("up", flush=True)
        time.sleep(60)
    os._exit(0)
os.wait()
time.sleep(60)
"""


async def test_processes_of_the_group_count(owner: ProcessOwner) -> None:
    """Also one that has left the session and the family of the leader."""
    if owner.cgroup is None:
        pytest.skip("this machine does not allow control groups of version 2")
    output = owner.paths.log / "separate.log"
    async with running(owner, Command(python(SEPARATE), {}, Path("/"), output, 1)) as leader:
        await wait_for_text(output, "up")
        assert Meter().measure({"leader": leader.pid}, 1.0)["leader"].memory_mib > 64


async def test_descendants_count(owner: ProcessOwner) -> None:
    """Memory of the program and processor time of its child are measured; an idle program uses none."""
    output = owner.paths.log / "busy.log"
    command = Command(python(BUSY), {}, Path("/"), output, 1)
    async with running(owner, command) as busy:
        await wait_for_text(output, "up")
        meter, leaders = Meter(), {"busy": busy.pid, "exited": 2**22 + 1}
        began_s = time.monotonic()
        first = meter.measure(leaders, began_s)
        assert first["busy"].processor_percent == 0
        used = first
        while used["busy"].processor_percent < 10:  # of one core, on a busy machine
            assert time.monotonic() < began_s + 20, used
            used = meter.measure(leaders, time.monotonic())
        assert used["busy"].memory_mib > 64
        assert (used["exited"].processor_percent, used["exited"].memory_mib) == (0, 0)
        assert os.getpid() not in leaders.values()
