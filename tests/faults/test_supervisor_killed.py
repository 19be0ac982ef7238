"""A supervisor or a command that is killed leaves nothing that the next command cannot use or remove.

Done: `up`, `install` and `clean` of a small stack are killed with SIGKILL, with the supervisor that they have started, after a time
that is drawn at random. How often: 10 times, 50 with ``FAULTS=long``.
Must hold each time: `up` makes the stack ready; `clean` leaves no process, no control group, and no file of an ended process; the
events have each number once, without a gap; there is no traceback.
"""

import random
from pathlib import Path

import anyio
import psutil
import pytest

from novaflow.adapters.process import ProcessOwner, find_processes
from novaflow.adapters.storage import read_journal
from tests.faults.scale import TIMEOUT_S, times
from tests.system.toy import WITHIN_S, Toy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(TIMEOUT_S)]

KILLS = times(10, 50)
COMMANDS = ("up", "up", "install", "clean")  # `up` takes longest, and has most states
LATEST_S = {"up": 2.5, "install": 1.0, "clean": 2.0}  # what each takes on an idle machine


async def kill_during(toy: Toy, command: str, after_s: float) -> None:
    """Start the command, and kill it and every supervisor of the stack after that time."""
    async with toy.calling(command) as process:
        with anyio.move_on_after(after_s):  # a moment, and not a condition
            await process.wait()
        kill_holder(toy)
        if process.returncode is None:
            process.kill()
        await process.wait()
    with anyio.fail_after(WITHIN_S):
        while toy.is_held:  # a supervisor may have been started since
            kill_holder(toy)
            await anyio.sleep(0.01)


def kill_holder(toy: Toy) -> None:
    """Kill the supervisors of the stack: the processes that work for it and are none of its services."""
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "supervise" in words and str(toy.root) in words:
            process.kill()


def files_left(folder: Path) -> list[str]:
    """Return the names of the files of ended processes."""
    return sorted(path.name for path in folder.iterdir() if path.name != "stack.lock")


async def test_a_kill_at_any_moment_leaves_nothing(toy: Toy) -> None:
    """After each kill the stack is brought up and stopped."""
    draw = random.Random(2011)  # noqa: S311 - chooses moments
    group = ProcessOwner(toy.paths).cgroup
    for number in range(KILLS):
        command = COMMANDS[number % len(COMMANDS)]
        if command == "install":
            (toy.paths.data / "toy").unlink(missing_ok=True)
        if command == "clean":
            assert (await toy.call("up")).code == 0
        await kill_during(toy, command, draw.uniform(0, LATEST_S[command]))
        up = await toy.call("up")
        assert (up.code, (await toy.status())["state"]) == (0, "ready"), up
        cleaned = await toy.call("clean")
        assert (cleaned.code, cleaned.err) == (0, ""), cleaned
        assert find_processes(ProcessOwner(toy.paths)) == ()
        assert group is None or not group.path.exists()
        assert files_left(toy.paths.run) == []
    sequences = [record.sequence for record in read_journal(toy.paths.journal)]
    assert sequences == [*range(1, len(sequences) + 1)]
    assert "Traceback" not in (toy.paths.log / "supervisor.log").read_text(errors="replace")
