"""`novaflow status` of a stack that is up."""

import json

import anyio
import pytest

from tests.cli.conftest import run_main
from tests.support.supervisors import NO_STATUS, ScriptedSupervisor, supervising
from tests.support.toy_stack import ToyStack

STATUS = {
    **NO_STATUS,
    "stack": "nova",
    "reason": "every service is ready",
    "ready_after_s": 41.5,
    "url": {"compute": "http://127.0.0.1:8774/v2.1"},
    "events": {"published": 7, "waiting": 0, "broker": "up"},
}


@pytest.fixture
def anyio_backend() -> str:
    """Return the backend that uvicorn supports."""
    return "asyncio"


@pytest.mark.parametrize(("state", "code"), [("ready", 0), ("degraded", 3), ("failed", 3), ("starting", 4), ("stopping", 6)])
async def test_the_supervisor_answers(toy: ToyStack, state: str, code: int) -> None:
    """The exit code is that of the state."""
    async with supervising(ScriptedSupervisor(toy, {**STATUS, "state": state})):
        ended = await anyio.to_thread.run_sync(run_main, "status", "--json")
    assert (ended.code, ended.err, json.loads(ended.out)) == (code, "", {**STATUS, "state": state})


async def test_a_table_is_printed(toy: ToyStack) -> None:
    """The first line has the state of the stack, the others its addresses and events."""
    async with supervising(ScriptedSupervisor(toy, STATUS)):
        ended = await anyio.to_thread.run_sync(run_main, "status")
    assert ended.out.splitlines() == [
        "nova is ready, ready after 41.5 s: every service is ready",
        "compute      http://127.0.0.1:8774/v2.1",
        "events       7 published, 0 waiting, broker up",
    ]


async def test_settings_that_became_invalid_do_not_matter(toy: ToyStack) -> None:
    """The supervisor has read its own; the next `up` reports the error."""
    toy.root.mkdir()
    (toy.root / ".env").write_text("NOVAFLOW_JOBS=0\n")
    assert (await anyio.to_thread.run_sync(run_main, "status", "--json")).code == 2
    async with supervising(ScriptedSupervisor(toy, STATUS)):
        assert (await anyio.to_thread.run_sync(run_main, "status", "--json")).code == 0
