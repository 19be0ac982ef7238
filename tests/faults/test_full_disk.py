"""A full disk ends no supervisor, and loses no event of the newest ten thousand.

Done: the stack's folder is a small file system, which is filled before `install`, before `up`, and while the stack runs. Then
services are killed, so that events and logs have to be written; what is left free varies, so that a write is refused at
once or half way. How often: once each, and twice while the stack runs; 25 times each with ``FAULTS=long``. Once, more events are
published meanwhile than wait in memory.
Must hold: each command that cannot write says so in one line; the supervisor keeps its process and answers; when there is space
again, every event is in the journal, once and in order; there is no traceback.
"""

import os
import random
import signal
from itertools import pairwise

import pytest

from novaflow.adapters.storage import read_journal
from tests.faults.disks import Disk, small_disk
from tests.faults.scale import TIMEOUT_S, times
from tests.system.toy import Result, Toy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(TIMEOUT_S)]

ROUNDS = times(1, 25)
WHILE_IT_RUNS = times(2, 25)
SIZE_MIB = 2
LEFT = (0, 4096, 8192, 16384)  # bytes: pages of a file system in memory
ENOUGH_MIB = 64
WAITING = 10_000  # events that wait in memory
STEPS = 1_000  # each has two events
NO_SPACE = 5  # exit code


def draw_free(number: int) -> int:
    """Return the free space of a round in bytes."""
    return random.Random(number).choice(LEFT)  # noqa: S311 - chooses what is left free


def is_one_line(result: Result) -> bool:
    """Return whether the command reports the full disk in one line, and nothing else."""
    return result.err.count("\n") == 1 and result.err.endswith("\n") and "no space left on device" in result.err.lower()


def sequences(toy: Toy) -> list[int]:
    """Return the numbers of the events in the journal."""
    return [record.sequence for record in read_journal(toy.paths.journal)]


def tracebacks(toy: Toy) -> int:
    """Return the number of tracebacks in the log of the supervisor."""
    return (toy.paths.log / "supervisor.log").read_text(errors="replace").count("Traceback")


@pytest.mark.parametrize("command", [("install",), ("up",)], ids=" ".join)
async def test_a_command_on_a_full_disk_says_so(toy: Toy, command: tuple[str, ...]) -> None:
    """It is one line with the exit code 5, nothing runs afterwards, and the same command works when there is space."""
    with small_disk(toy.root, SIZE_MIB) as disk:
        if command != ("install",):
            toy.installed()
        for _ in range(ROUNDS):
            disk.fill()
            refused = await toy.call(*command)
            assert (refused.code, is_one_line(refused)) == (NO_SPACE, True), refused
            assert not toy.is_held
            disk.empty()
        done = await toy.call(*command)
        assert done.code == 0, done
        await toy.end()
        assert (await toy.call("clean")).code == 0


async def test_a_stack_survives_a_full_disk(toy: Toy) -> None:
    """Services are restarted meanwhile, `status` answers, and the events follow in order when there is space again."""
    with small_disk(toy.root, SIZE_MIB) as disk:
        await toy.ready()
        supervisor = (await toy.supervisor()).pid
        for number in range(WHILE_IT_RUNS):
            await kill_on_a_full_disk(toy, disk, free=draw_free(number))
            disk.empty()
            await toy.wait_published("novaflow.service.restarted", times=number + 1)
            await toy.wait_published("novaflow.stack.ready", times=number + 2)
        assert (await toy.supervisor()).pid == supervisor
        assert sequences(toy) == [*range(1, len(sequences(toy)) + 1)]
        assert tracebacks(toy) == 0
        await toy.end()
        assert tracebacks(toy) == 0


async def test_a_stack_survives_more_events_than_wait_in_memory(toy: Toy) -> None:
    """The oldest that wait are dropped, which leaves one gap in the numbers; the newest are written when there is space again."""
    toy.write("components/many.py", many_steps(STEPS))
    with small_disk(toy.root, SIZE_MIB) as disk:
        await toy.ready()
        supervisor = (await toy.supervisor()).pid
        disk.fill()
        for _ in range(WAITING // (2 * STEPS) + 1):
            assert (await toy.call("verify")).code == 0
        (before,) = (await toy.status())["services"]
        os.kill(before["pid"], signal.SIGKILL)
        await toy.wait_ready_again(before["pid"])
        assert (await toy.supervisor()).pid == supervisor
        disk.make_larger(ENOUGH_MIB)
        await toy.wait_published("novaflow.service.restarted")
        await toy.end()
        found = sequences(toy)
        last = found[-1]
        assert {*range(last - WAITING + 1, last + 1)} <= {*found}
        gaps = [after for before, after in pairwise(found) if after != before + 1]
        assert len(gaps) == 1
        log = (toy.paths.log / "supervisor.log").read_text(errors="replace")
        assert log.count('"journal.events_dropped"') <= 1  # the log may have been full as well
        assert tracebacks(toy) == 0


def many_steps(count: int) -> str:
    """Return a component whose check has so many steps, which do nothing."""
    steps = "".join(f'@step(within_s=10)\nasync def s{number}(ctx):\n    """Do nothing."""\n\n\n' for number in range(count))
    names = "".join(f"s{number}, " for number in range(count))
    imports = "from novaflow.model.component import Component\nfrom novaflow.model.step import step\n\n\n"
    return f'{imports}{steps}COMPONENT = Component("many", "Many steps.", {{"verify": ({names})}})\n'


async def kill_on_a_full_disk(toy: Toy, disk: Disk, *, free: int) -> None:
    """Fill the disk, kill the service, and wait until it is ready in a new process."""
    (before,) = (await toy.status())["services"]
    disk.fill(free=free)
    os.kill(before["pid"], signal.SIGKILL)
    await toy.wait_ready_again(before["pid"])
    assert (await toy.call("verify")).code == 0


async def test_a_full_disk_does_not_prevent_a_stop(toy: Toy) -> None:
    """`clean` ends everything; if its events could not be written, it says so in one line."""
    with small_disk(toy.root, SIZE_MIB) as disk:
        for _ in range(ROUNDS):
            await toy.ready()
            disk.fill()
            stopped = await toy.call("clean")
            assert stopped.code == 0 or (stopped.code == NO_SPACE and is_one_line(stopped)), stopped
            assert not toy.is_held
            disk.empty()
            again = await toy.call("clean")
            assert (again.code, again.err) == (0, "")
        assert sequences(toy) == [*range(1, len(sequences(toy)) + 1)]
        assert tracebacks(toy) == 0
