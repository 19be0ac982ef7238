"""The supervisor's socket, asked by our client and by curl."""

import json
import socket
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest

from novaflow.adapters.control.client import Control
from novaflow.adapters.control.server import ControlHandlers, serving
from novaflow.errors import ComponentUnknown, StepFailed, UsageError
from novaflow.model.paths import Paths
from novaflow.plan.plan import ServiceCommand
from tests.support.programs import WITHIN_S


class Supervisor:
    """Answers as a supervisor does, and remembers what it was asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stops = list[str]()
        self.hangs = anyio.Event()
        self.has_no_metrics = False

    def status(self) -> Mapping[str, Any]:
        """Return a stack's state."""
        return {"state": "ready"}

    async def run(self, name: str) -> Mapping[str, Any]:
        """Run ``verify`` well, ``hang`` for ever, and refuse others."""
        match name:
            case "verify":
                return {"failures": {}}
            case "hang":
                self.hangs.set()
                await anyio.sleep_forever()
        raise StepFailed(f"{name} gave up")

    async def handle(self, command: ServiceCommand, name: str) -> Mapping[str, Any]:
        """Fail at what it is asked for, unless nobody knows it."""
        if name == "wbe":
            raise ComponentUnknown(name, "web")
        return {"failures": {name: f"{command} failed"}}

    def metrics(self) -> bytes:
        """Return figures, unless it is told that they cannot be had."""
        if self.has_no_metrics:
            raise UsageError("metrics take an extra")
        return b"figures"

    def serving(self) -> Any:  # noqa: ANN401 - a context manager without a value
        """Answer as long as the block lasts."""
        return serving(self.path, ControlHandlers(self.status, self.metrics, self.stops.append, self.run, self.handle))


@pytest.fixture
def supervisor(paths: Paths) -> Supervisor:
    """Return a supervisor that does not answer yet."""
    return Supervisor(paths.control)


async def test_it_answers_from_the_first_moment(supervisor: Supervisor) -> None:
    """Whoever comes when the block has begun is heard."""
    async with supervisor.serving():
        assert await Control(supervisor.path).status() == {"state": "ready"}


async def test_only_its_owner_may_speak_to_it(supervisor: Supervisor) -> None:
    """Who can ask for the end of a stack can end it."""
    async with supervisor.serving():
        assert stat.S_IMODE(supervisor.path.stat().st_mode) == 0o600


async def test_it_can_be_told_to_stop(supervisor: Supervisor) -> None:
    """The word is passed on, and whoever said it knows that it was heard."""
    async with supervisor.serving():
        assert await Control(supervisor.path).stop()
    assert supervisor.stops == ["asked to stop"]


async def test_it_runs_a_workflow(supervisor: Supervisor) -> None:
    """The result comes back when it is done."""
    async with supervisor.serving():
        assert await Control(supervisor.path).run("verify") == {"failures": {}}


async def test_a_workflow_it_refuses_says_why(supervisor: Supervisor) -> None:
    """In the words of who refused."""
    async with supervisor.serving():
        with pytest.raises(UsageError, match=r"^rescue gave up$"):
            await Control(supervisor.path).run("rescue")


@pytest.mark.parametrize("command", ServiceCommand)
async def test_it_handles_a_service(supervisor: Supervisor, command: ServiceCommand) -> None:
    """What failed comes back when it is done."""
    async with supervisor.serving():
        assert await Control(supervisor.path).handle(command, "web") == {"failures": {"web": f"{command} failed"}}


async def test_a_service_it_does_not_know_is_refused(supervisor: Supervisor) -> None:
    """With what may have been meant."""
    async with supervisor.serving():
        with pytest.raises(UsageError, match="did you mean 'web'"):
            await Control(supervisor.path).handle(ServiceCommand.STOP, "wbe")


async def test_curl_speaks_it(supervisor: Supervisor) -> None:
    """It is plain HTTP with JSON in it."""
    async with supervisor.serving():
        with anyio.fail_after(WITHIN_S):
            answer = await anyio.run_process(["curl", "--silent", "--unix-socket", str(supervisor.path), "http://supervisor/status"])
    assert json.loads(answer.stdout) == {"state": "ready"}


async def test_nobody_there_is_no_error(supervisor: Supervisor) -> None:
    """A stack that is down has no status and hears no stop."""
    assert await Control(supervisor.path).status() is None
    assert not await Control(supervisor.path).stop()


async def test_a_workflow_needs_a_stack_that_is_up(supervisor: Supervisor) -> None:
    """The message says what to do."""
    with pytest.raises(UsageError, match=r"^the stack is not up \(.*\); bring it up with `novaflow up`$"):
        await Control(supervisor.path).run("verify")


async def test_what_a_killed_one_left_is_no_obstacle(supervisor: Supervisor) -> None:
    """Its socket is still there; the next one takes the place."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(supervisor.path))
    assert await Control(supervisor.path).status() is None
    async with supervisor.serving():
        assert await Control(supervisor.path).status() == {"state": "ready"}
    assert not supervisor.path.exists()


@pytest.mark.slow
async def test_a_workflow_that_hangs_does_not_hold_up_the_end(supervisor: Supervisor, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever waits for it is told that the stack was stopped."""

    async def ask() -> None:
        with pytest.raises(UsageError, match=r"^the stack was stopped before hang was done$"):
            await Control(supervisor.path).run("hang")

    with anyio.fail_after(WITHIN_S):
        async with anyio.create_task_group() as tasks, supervisor.serving():
            tasks.start_soon(ask)
            await supervisor.hangs.wait()
    assert not supervisor.path.exists()
    assert "timeout graceful shutdown exceeded" in caplog.text


@pytest.mark.parametrize(("has_none", "said"), [(False, "200 text/plain figures"), (True, "501 text/plain metrics take an extra\n")])
async def test_metrics_are_answered_as_text(supervisor: Supervisor, has_none: bool, said: str) -> None:  # noqa: FBT001
    """Or, where the extra is not installed, with what to do about it."""
    supervisor.has_no_metrics = has_none
    async with supervisor.serving():
        command = ["curl", "-sSi", "--unix-socket", str(supervisor.path), "http://supervisor/metrics"]
        head, _, body = (await anyio.run_process(command)).stdout.decode().partition("\r\n\r\n")
    status, kind = head.split()[1], head.partition("content-type: ")[2].partition(";")[0]
    assert f"{status} {kind} {body}" == said
