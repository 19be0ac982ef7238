"""Events without end fill no disk, and do not push the state of the stack out of the journal.

Done: a stack that is up publishes 40 MB of events, and no broker confirms them. Then its supervisor is killed. How often: once, 10
times with ``FAULTS=long``.
Must hold: the journal becomes smaller than 32 MiB while the supervisor runs; afterwards `status` says that the supervisor has
crashed, and `up` adopts the services.
"""

import os
import signal

import anyio
import pytest

from novaflow.adapters.storage import read_journal
from tests.faults.scale import TIMEOUT_S, times
from tests.system.toy import Toy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(TIMEOUT_S)]

ROUNDS = times(1, 10)
LARGEST = 32 << 20  # bytes
WITHIN_S = 60

LONG_ANSWERS = '''
from novaflow.model.component import Component
from novaflow.model.step import step


def answer(number):
    async def long(ctx):
        """Answer with a long text."""
        return "x" * 400_000

    long.__name__ = f"long{number}"
    return step(within_s=10)(long)


COMPONENT = Component("talk", "Long answers.", {"verify": tuple(answer(number) for number in range(100))})
'''


async def wait_reduced(toy: Toy, *, times: int) -> None:
    """Wait until the supervisor has reduced the journal that often, and the journal is small."""
    log = toy.paths.log / "supervisor.log"
    with anyio.fail_after(WITHIN_S):
        while log.read_text().count('"journal.compacted"') < times or toy.paths.journal.stat().st_size > LARGEST:  # noqa: ASYNC110 - another process writes both
            await anyio.sleep(0.05)


async def test_the_journal_of_a_running_stack_is_bounded(toy: Toy) -> None:
    """The services of the crashed stack are adopted, although its first events are older than the newest 16 MiB."""
    toy.write("components/talk.py", LONG_ANSWERS)
    await toy.ready()
    for number in range(ROUNDS):
        assert (await toy.call("verify")).code == 0
        await wait_reduced(toy, times=number + 1)
        (before,) = (await toy.status())["services"]
        os.kill((await toy.supervisor()).pid, signal.SIGKILL)
        await toy.wait_released()
        status = (await toy.call("status", "--json")).json
        assert "has crashed" in status["reason"], status
        assert (await toy.call("up")).code == 0
        (after,) = (await toy.status())["services"]
        assert after["pid"] == before["pid"]
    found = [record.sequence for record in read_journal(toy.paths.journal)]
    assert found == sorted({*found})
    await toy.end()
