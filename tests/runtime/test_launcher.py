"""Waiting for a supervisor; tests/system has the real life of a stack."""

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from novaflow.adapters.storage.lock import StackLock, is_locked
from novaflow.errors import NovaflowError, RunError
from novaflow.events.record import EventRecord
from novaflow.runtime.launcher import RunOptions, WaitFor, launch
from tests.support.toy_stack import ToyStack

pytestmark = pytest.mark.slow

BROKEN = """
from novaflow.model.workflow import Workflow


def broker(settings, secret):
    raise RuntimeError("no such broker")


WORKFLOW = Workflow("run", "A toy.", stays=True, broker=broker)
"""


class Recorder:
    """A display that keeps the name and state of events; the user leaves after the event ``leaves_at``, at once if it is ``None``."""

    def __init__(self, *, leaves_at: str | None = "never") -> None:
        self.shown = list[str]()
        self._leaves_at = leaves_at
        self._is_time = anyio.Event()

    def show(self, record: EventRecord) -> None:
        """Keep name and state."""
        self.shown.append(f"{record.event.name} {record.event.state}")
        if self.shown[-1] == self._leaves_at:
            self._is_time.set()

    async def interact(self, leave: Callable[[], None]) -> None:
        """Leave when it is time."""
        if self._leaves_at is not None:
            await self._is_time.wait()
        leave()
        await anyio.sleep_forever()


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the supervisor's process start in the test's folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return tmp_path


async def start(toy: ToyStack, options: RunOptions, display: Recorder) -> None:
    """Launch the stack."""
    await launch(toy.open(), StackLock(toy.paths.lock, "run"), options, display)


@pytest.mark.usefixtures("own")
async def test_a_crash_at_the_start_is_reported_with_the_log(toy: ToyStack) -> None:
    """The error has the exit code and the file; its log tail has the last lines, among them the exception."""
    toy.write("run.py", BROKEN)
    with pytest.raises(NovaflowError, match=r"^the supervisor \(pid \d+\) has crashed with exit code 1; see .*supervisor\.log$") as raised:
        await start(toy, RunOptions(WaitFor.READY), Recorder())
    assert "RuntimeError: no such broker" in raised.value.log_tail
    assert not is_locked(toy.paths.lock)


@pytest.mark.usefixtures("own")
async def test_a_failed_step_is_reported_with_its_reason(toy: ToyStack) -> None:
    """Every event until the end is shown."""
    toy.add_step("run", 'raise StepFailed("no licence")')
    display = Recorder()
    with pytest.raises(RunError, match=r"nova did not come up: failed: extra\.body; everything was stopped; logs are in ") as raised:
        await start(toy, RunOptions(WaitFor.READY), display)
    assert raised.value.nodes == ("extra.body",)
    assert display.shown[0] == "nova starting"
    assert display.shown[-1] == "nova failed"


@pytest.mark.usefixtures("own")
async def test_a_user_who_leaves_stops_the_stack(toy: ToyStack) -> None:
    """The end is shown to its last event, and is not an error."""
    display = Recorder(leaves_at="nova ready")
    await start(toy, RunOptions(WaitFor.STOPPED), display)
    assert display.shown[-1] == "nova stopped"
    assert not is_locked(toy.paths.lock)


@pytest.mark.usefixtures("own")
async def test_a_user_may_leave_before_the_supervisor_runs(toy: ToyStack) -> None:
    """A supervisor that is stopped before it can handle signals has started nothing, which is not a crash."""
    await start(toy, RunOptions(WaitFor.STOPPED), Recorder(leaves_at=None))
    assert not is_locked(toy.paths.lock)
