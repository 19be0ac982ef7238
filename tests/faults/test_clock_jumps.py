"""A clock that jumps changes nothing.

Done: the clock of the supervisor and of the commands jumps an hour ahead, two hours back, and an hour ahead, while services are checked and
a step runs that never ends. libfaketime replaces the functions of the C library that return the time; the monotonic clock stays.
How often: 2 jumps, 100 with ``FAULTS=long``.
Must hold: each service is checked again after the jump, keeps its process and is never unready; the step ends after its own limit;
nothing is restarted; the numbers of the events increase by one.
"""

import os
from pathlib import Path
from typing import TypeGuard

import pytest

from novaflow.adapters.storage import read_journal
from novaflow.events.types import Event, ServiceChanged, StepChanged, StepState
from tests.faults.scale import TIMEOUT_S, times
from tests.support.programs import wait_until
from tests.system.toy import Toy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(TIMEOUT_S)]

JUMPS = times(2, 100)
HOURS = (1, -1, 0)  # from the real time
STEP_S = 2
SERVICES = ("ready", "ready", "started", "started")  # their states, of both together

# A service that counts how often it was asked, and a step that never ends.
COUNTED = f'''
import sys
from pathlib import Path

from novaflow.model.component import Component
from novaflow.model.probe import FunctionProbe
from novaflow.model.restart import Liveness
from novaflow.model.service import Service
from novaflow.model.step import step


async def ask(ctx):
    with (ctx.paths.data / "asked").open("ab") as file:
        file.write(b".")
    return "awake"


@step(within_s={STEP_S})
async def hang(ctx):
    """Run for ever."""
    await ctx.run("sleep", "600")


COUNTED = Service("counted", "A toy.", lambda _: (sys.executable, "-IS", "-c", "import time; time.sleep(600)"),
                  FunctionProbe(ask, "itself"), within_s=20, grace_s=2, liveness=Liveness(interval_s=0.1))
COMPONENT = Component("counted", "A toy.", {{"run": (COUNTED,), "verify": (hang,)}})
'''


@pytest.fixture
def clock(toy: Toy) -> Path:
    """Return the file with the offset of the clock of every program that the stack starts through the environment."""
    libraries = [*Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")]
    if not libraries and os.environ.get("CI") != "true":  # noqa: TID251 - says whether a test may be skipped
        pytest.skip("needs Debian's libfaketime")
    offset = toy.folder / "offset"
    offset.write_text("+0")
    toy.added = {
        "LD_PRELOAD": str(libraries[0]),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_RESET": "1",
    }
    return offset


def is_failed_step(event: Event) -> TypeGuard[StepChanged]:
    """Return whether the event is the failure of a step."""
    return isinstance(event, StepChanged) and event.state is StepState.FAILED


def times_of_events(toy: Toy) -> list[float]:
    """Return the times of the events, in hours after the first one."""
    records = [*read_journal(toy.paths.journal)]
    return [(record.time - records[0].time).total_seconds() / 3600 for record in records]


async def test_a_jump_of_the_clock_restarts_nothing(toy: Toy, clock: Path) -> None:
    """Services are checked at their interval, and a step has its time, neither more nor less."""
    toy.write("components/counted.py", COUNTED)
    await toy.ready()
    before = (await toy.status())["services"]
    asked = toy.paths.data / "asked"
    for number in range(JUMPS):
        async with toy.calling("verify") as verify:  # of `run` and of each `verify`, two steps start
            await toy.wait_published("novaflow.step.started", times=2 * number + 4)
            clock.write_text(f"{HOURS[number % len(HOURS)]:+d}h")
            count = asked.stat().st_size
            await wait_until(lambda count=count: asked.stat().st_size >= count + 3)  # type: ignore[misc]
            assert await verify.wait() == 3
        assert (await toy.status())["services"] == before
    hours = times_of_events(toy)
    assert max(hours) > 0.9
    assert min(hours) < -0.9
    records = [*read_journal(toy.paths.journal)]
    assert sorted(record.event.state for record in records if isinstance(record.event, ServiceChanged)) == [*SERVICES]
    took_s = [event.duration_s or 0 for event in (record.event for record in records) if is_failed_step(event)]
    assert len(took_s) == JUMPS
    assert min(took_s) >= STEP_S
    assert [record.sequence for record in records] == [*range(1, len(records) + 1)]
