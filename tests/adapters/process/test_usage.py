"""The resource use of real programs."""

import os
import time
from pathlib import Path

from novaflow.adapters.process import Command, Meter, ProcessOwner, running
from tests.support.programs import python, wait_for_text

BUSY = """
import os, subprocess, sys, time
held = bytearray(64 << 20)
print("up", flush=True)
child = subprocess.Popen([sys.executable, "-IS", "-c", "while True: pass"])
time.sleep(60)
"""


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
