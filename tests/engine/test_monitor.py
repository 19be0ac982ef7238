"""The watch over one service."""

import anyio

from novaflow.engine.monitor import ServiceMonitor
from novaflow.errors import ServiceExited
from novaflow.events.types import ServiceState
from tests.engine.harness import FakeProgram
from tests.support.toys import a_service

WITHIN_S = 10  # for what takes milliseconds


async def test_a_service_that_has_ended_is_not_checked_again() -> None:
    """A need may come back in the moment between the end of the service and the plan's knowledge of it."""
    published: list[tuple[ServiceState, object]] = []
    program = FakeProgram("web")
    program.ends.set()
    monitor = ServiceMonitor(a_service("web"), program, lambda state, reason: published.append((state, reason)), lambda: True)
    with anyio.fail_after(WITHIN_S):
        assert isinstance(await monitor.wait_end(), ServiceExited)
    monitor.mark_unready("database, which it needs, exited")
    monitor.recheck()
    assert [state for state, _ in published] == [ServiceState.UNREADY]
