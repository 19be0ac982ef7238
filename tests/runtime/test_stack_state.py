"""The state of a stack follows from its services."""

import pytest

from novaflow.adapters.storage.journal import Journal
from novaflow.engine.bus import EventBus
from novaflow.engine.engine import Outcome
from novaflow.errors import StepFailed
from novaflow.events.types import ServiceChanged, ServiceState, StackChanged
from novaflow.runtime.broker import open_publisher
from novaflow.runtime.live_status import LiveStatus
from novaflow.runtime.stack import Stack
from novaflow.runtime.stack_state import StackStatePublisher
from tests.support.toy_stack import ToyStack, service_is


class Run:
    """A run whose services change as a test says."""

    def __init__(self, toy: ToyStack, stack: Stack) -> None:
        toy.root.mkdir()
        self._toy = toy
        self.journal = Journal(toy.paths.journal, source=stack.source)
        self.status = LiveStatus(stack, open_publisher(stack))
        self._bus = EventBus(self.journal, "r1", [self.status.apply])
        self.state = StackStatePublisher(stack.name, self.status, self._bus.publish)

    def change(self, *changes: ServiceChanged) -> None:
        """Change services."""
        for changed in changes:
            self._bus.publish(changed)
            self.state.update(changed)

    def bring_up(self) -> None:
        """Bring up two services."""
        self.state.publish_starting()
        self.change(service_is("web", ServiceState.READY), service_is("worker", ServiceState.READY))
        self.state.publish_up(61.23456)

    @property
    def published(self) -> list[tuple[str, str]]:
        """Return the states of the stack and their reasons."""
        return [(str(record.event.state), record.event.reason) for record in self._toy.records if isinstance(record.event, StackChanged)]


@pytest.fixture
def run(toy: ToyStack, stack: Stack) -> Run:
    """Return a run that has not begun."""
    return Run(toy, stack)


UP = [("starting", "start requested"), ("ready", "the last step is done and every service is ready")]


def test_a_stack_is_ready_when_every_node_is_up(run: Run) -> None:
    """The duration has milliseconds."""
    run.bring_up()
    assert run.published == UP
    assert run.status.describe()["ready_after_s"] == 61.235


def test_services_that_start_do_not_change_the_state(run: Run) -> None:
    """Before everything was up, the stack is starting, even if a service exits."""
    run.state.publish_starting()
    run.change(service_is("web", ServiceState.STARTED), service_is("web", ServiceState.EXITED), service_is("web", ServiceState.FAILED))
    assert run.published == UP[:1]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (ServiceState.STOPPED, "web stop requested"),
        (ServiceState.FAILED, "web failed: stop requested"),
        (ServiceState.EXITED, "web is not ready: stop requested"),
        (ServiceState.UNREADY, "web is not ready: stop requested"),
    ],
)
def test_a_lost_service_degrades_the_stack(run: Run, state: ServiceState, reason: str) -> None:
    """The reason names the service."""
    run.bring_up()
    run.change(service_is("web", state, "stop requested"))
    assert run.published[2:] == [("degraded", reason)]


def test_a_stack_is_ready_again_when_every_service_is(run: Run) -> None:
    """One of two lost services is not enough."""
    run.bring_up()
    run.change(service_is("web", ServiceState.STOPPED, "was stopped"), service_is("worker", ServiceState.FAILED, "exited"))
    run.change(service_is("web", ServiceState.READY))
    assert run.published[2:] == [("degraded", "web was stopped"), ("degraded", "worker failed: exited")]
    run.change(service_is("worker", ServiceState.READY))
    assert run.published[4:] == [("ready", "every service is ready again")]


def test_only_the_first_request_stops_the_stack(run: Run) -> None:
    """A second one is not published, and the services that stop then do not degrade the stack."""
    run.bring_up()
    assert run.state.publish_stopping("stop requested")
    assert not run.state.publish_stopping("stop requested by SIGTERM")
    run.change(service_is("web", ServiceState.STOPPED))
    run.state.publish_end(Outcome())
    assert run.published[2:] == [("stopping", "stop requested"), ("stopped", "everything was stopped, as requested")]


def test_a_stack_that_ends_without_a_request_has_failed(run: Run) -> None:
    """The reason names the failed nodes."""
    run.state.publish_starting()
    run.state.publish_end(Outcome(failures={"web": StepFailed("x"), "worker": StepFailed("y")}))
    assert run.published[1:] == [("failed", "failed: web, worker; everything was stopped")]


def test_an_incomplete_stop_is_a_failure(run: Run) -> None:
    """The reason says what is left; it does not say that everything was stopped."""
    run.bring_up()
    run.state.publish_stopping("stop requested")
    run.state.publish_end(Outcome(), "clean failed: net.remove")
    assert run.published[3:] == [("failed", "not everything was stopped: clean failed: net.remove")]


def test_a_failure_says_what_is_left(run: Run) -> None:
    """The reason names the failed nodes and what could not be removed."""
    run.state.publish_starting()
    run.state.publish_end(Outcome(failures={"web": StepFailed("x")}), "clean failed: net.remove")
    assert run.published[1:] == [("failed", "failed: web; not everything was stopped: clean failed: net.remove")]
