"""The free space of a stack's file system: when it counts as nearly full, and the events about it."""

import shutil
from itertools import pairwise
from pathlib import Path

import anyio
from hypothesis import given
from hypothesis import strategies as st

from novaflow.adapters.storage import Journal
from novaflow.events.types import DiskState, Event
from novaflow.model.disk import LOW_MIB, low_below
from novaflow.runtime.disk_watch import ENOUGH, next_state, watch_disk
from tests.faults.disks import small_disk
from tests.support.programs import WITHIN_S
from tests.support.properties import EXAMPLES

SIZES = st.integers(min_value=0, max_value=1 << 50)


@EXAMPLES
@given(SIZES, SIZES)
def test_a_larger_file_system_needs_no_less_space(one: int, other: int) -> None:
    """It needs a twentieth of its size, and never more than half a GiB."""
    small, large = sorted((one, other))
    assert low_below(small) <= low_below(large) <= LOW_MIB << 20
    assert low_below(small) <= small


@EXAMPLES
@given(st.lists(SIZES, min_size=1), st.integers(min_value=1, max_value=1 << 40))
def test_two_events_are_apart_by_the_threshold(spaces: list[int], low: int) -> None:
    """A file system whose space varies by less is reported once, whatever it was before."""
    state, reported = DiskState.OK, list[int]()
    for free in spaces:
        now = next_state(state, free, low)
        assert now is DiskState.LOW or free >= low
        if now is not state:
            reported.append(free)
        state = now
    assert all(abs(after - before) > (ENOUGH - 1) * low for before, after in pairwise(reported))


async def test_a_nearly_full_disk_is_published_once(tmp_path: Path) -> None:
    """The event names the folder, both sizes and what to do."""
    events = list[Event]()
    with small_disk(tmp_path / "nova", 40) as disk:
        disk.fill(free=1 << 20)
        journal = Journal(tmp_path / "nova/journal.jsonl", source="/novaflow/host/nova")
        free_mib = shutil.disk_usage(tmp_path / "nova").free >> 20
        with anyio.fail_after(WITHIN_S):
            async with anyio.create_task_group() as tasks:

                def publish(event: Event) -> None:
                    events.append(event)
                    tasks.cancel_scope.cancel()

                tasks.start_soon(watch_disk, "nova", tmp_path / "nova", journal, publish)
        journal.close()
    (event,) = events
    assert (event.name, event.state) == ("nova", DiskState.LOW)
    reason = f"{free_mib} MiB are free for {tmp_path}/nova, less than 2 MiB; free some space: services fail on a full disk"
    assert event.reason == reason
