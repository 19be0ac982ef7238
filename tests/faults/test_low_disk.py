"""A disk that becomes nearly full is reported before it is full.

Done: the file system of a stack's folder is filled until 2 % of it are free, and emptied. How often: once, 20 times with ``FAULTS=long``.
Must hold: one event each time that it becomes nearly full, and one when there is space again; no other event.
"""

import pytest

from novaflow.adapters.storage import read_journal
from novaflow.events.types import DiskChanged, DiskState
from novaflow.runtime.disk_watch import next_state
from tests.faults.disks import small_disk
from tests.faults.scale import TIMEOUT_S, times
from tests.system.toy import Toy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(TIMEOUT_S)]

ROUNDS = times(1, 20)
SIZE_MIB = 50


async def test_a_nearly_full_disk_is_reported(toy: Toy) -> None:
    """The reason names the folder, what is free and what to do; `events` shows both."""
    with small_disk(toy.root, SIZE_MIB) as disk:
        await toy.ready()
        for number in range(1, ROUNDS + 1):
            disk.fill(free=1 << 20)
            await toy.wait_published("novaflow.disk.low", times=number)
            disk.empty()
            await toy.wait_published("novaflow.disk.ok", times=number)
        assert (await toy.status())["state"] == "ready"
        events = [record.event for record in read_journal(toy.paths.journal) if isinstance(record.event, DiskChanged)]
        assert [event.state for event in events] == [DiskState.LOW, DiskState.OK] * ROUNDS
        low = f" MiB are free for {toy.root}, less than 2 MiB; free some space: services fail on a full disk"
        assert events[0].reason.endswith(low)
        shown = await toy.call("events", "--kind", "disk")
        assert [line.split()[3:6] for line in shown.out.splitlines()] == [["disk", "nova", state] for state in ("low", "ok")] * ROUNDS
        await toy.end()


@pytest.mark.parametrize(
    ("before", "free", "after"),
    [
        (DiskState.OK, 100, DiskState.OK),
        (DiskState.OK, 99, DiskState.LOW),
        (DiskState.LOW, 100, DiskState.LOW),
        (DiskState.LOW, 199, DiskState.LOW),
        (DiskState.LOW, 200, DiskState.OK),
    ],
)
def test_space_that_varies_is_reported_once(before: DiskState, free: int, after: DiskState) -> None:
    """A nearly full disk has space again when twice the threshold is free."""
    assert next_state(before, free, low=100) is after
