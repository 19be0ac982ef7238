"""The status of a stack, computed from events."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from novaflow.events.record import EventRecord
from novaflow.events.types import Event, ServiceChanged, ServiceState, StackChanged, StackState, WorkflowChanged, WorkflowState
from novaflow.model.status import StackStatus

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def status_after(*events: tuple[str, Event]) -> StackStatus:
    """Return the status after these events, one a second, each with the id of its run."""
    status = StackStatus("nova")
    for number, (run_id, event) in enumerate(events):
        status = status.apply(
            EventRecord(
                id=str(number), sequence=number + 1, time=START + timedelta(seconds=number), source="/x/nova", run_id=run_id, event=event
            )
        )
    return status


def stack(state: StackState, duration_s: float | None = None) -> StackChanged:
    """Return an event of the stack."""
    return StackChanged(name="nova", state=state, reason=f"now {state}", duration_s=duration_s)


def web(state: ServiceState, duration_s: float | None = None, pid: int | None = None) -> ServiceChanged:
    """Return an event of the service ``web``."""
    return ServiceChanged(
        name="web", state=state, workflow="run", component="site", reason=f"now {state}", duration_s=duration_s, pid=pid, port=80
    )


def test_a_stack_without_events_is_stopped() -> None:
    """Before the first run, the reason says so."""
    status = StackStatus("nova")
    assert (status.state, status.reason, status.since) == (StackState.STOPPED, "never run", None)


def test_a_stack_becomes_ready() -> None:
    """The last event of the stack determines its state and time."""
    status = status_after(("r1", stack(StackState.STARTING)), ("r1", stack(StackState.READY, 61.2)))
    assert (status.state, status.reason, status.run_id) == (StackState.READY, "now ready", "r1")
    assert (status.since, status.ready_after_s) == (START + timedelta(seconds=1), 61.2)


def test_the_duration_of_the_start_is_kept() -> None:
    """A degraded stack keeps the seconds that its start took."""
    status = status_after(("r1", stack(StackState.STARTING)), ("r1", stack(StackState.READY, 61.2)), ("r1", stack(StackState.DEGRADED)))
    assert (status.state, status.ready_after_s) == (StackState.DEGRADED, 61.2)


def test_a_service_is_followed() -> None:
    """A service has a state, a process while it runs, and the duration of its start."""
    up: list[tuple[str, Event]] = [
        ("r1", stack(StackState.STARTING)),
        ("r1", web(ServiceState.STARTED, pid=7)),
        ("r1", web(ServiceState.READY, 3.2)),
    ]
    service = status_after(*up).services["web"]
    assert (service.state, service.component, service.pid, service.port, service.ready_after_s) == (ServiceState.READY, "site", 7, 80, 3.2)
    assert status_after(*up, ("r1", web(ServiceState.EXITED, pid=7))).services["web"].pid is None


def test_restarts_are_counted() -> None:
    """Each restart counts once."""
    status = status_after(
        ("r1", stack(StackState.STARTING)),
        ("r1", web(ServiceState.RESTARTED)),
        ("r1", web(ServiceState.STARTED)),
        ("r1", web(ServiceState.RESTARTED)),
    )
    assert status.services["web"].restarts == 2


def test_a_recheck_changes_no_start() -> None:
    """A service that was unready keeps its process and the duration of its start."""
    up: list[tuple[str, Event]] = [
        ("r1", stack(StackState.STARTING)),
        ("r1", web(ServiceState.STARTED, pid=7)),
        ("r1", web(ServiceState.READY, 3.2)),
        ("r1", stack(StackState.READY, 61.2)),
        ("r1", web(ServiceState.UNREADY)),
    ]
    status = status_after(*up)
    assert (status.services["web"].pid, status.all_ready) == (7, False)
    status = status_after(*up, ("r1", web(ServiceState.READY)), ("r1", stack(StackState.READY)))
    assert (status.services["web"].pid, status.services["web"].ready_after_s, status.ready_after_s) == (7, 3.2, 61.2)
    assert status.all_ready


def test_a_new_run_has_no_services() -> None:
    """Services of an earlier run are dropped, and late events of that run are ignored."""
    status = status_after(
        ("r1", stack(StackState.STARTING)),
        ("r1", web(ServiceState.READY)),
        ("r2", stack(StackState.STARTING)),
        ("r1", web(ServiceState.STOPPED)),
    )
    assert (status.run_id, status.services) == ("r2", {})


def test_other_events_change_nothing() -> None:
    """Workflows and steps are not part of the status."""
    assert status_after(("r1", WorkflowChanged(name="run", state=WorkflowState.STARTED, reason="x"))) == StackStatus("nova")


def test_a_stopped_stack_has_no_running_service() -> None:
    """A service whose supervisor was killed has published no event of its own; one that had failed before is still shown as failed."""
    for state in (StackState.STOPPED, StackState.FAILED):
        status = status_after(
            ("r1", stack(StackState.STARTING)),
            ("r1", web(ServiceState.READY, 3.2, pid=7)),
            ("r1", replace(web(ServiceState.FAILED), name="mail")),
            ("r1", stack(state)),
        )
        found = {name: (service.state, service.reason, service.pid) for name, service in status.services.items()}
        assert found == {"web": (ServiceState.STOPPED, f"now {state}", None), "mail": (ServiceState.FAILED, "now failed", None)}
        assert status.services["web"].ready_after_s == 3.2


@pytest.mark.parametrize(
    ("state", "pid"),
    [
        (ServiceState.STARTED, 8),
        (ServiceState.READY, 8),
        (ServiceState.UNREADY, 8),
        (ServiceState.ADOPTED, 8),
        (ServiceState.EXITED, None),
        (ServiceState.RESTARTED, None),
        (ServiceState.STOPPED, None),
        (ServiceState.FAILED, None),
    ],
)
def test_a_service_has_a_process_while_it_runs(state: ServiceState, pid: int | None) -> None:
    """The pid of the event replaces the one before; an event without it keeps it."""
    begun: list[tuple[str, Event]] = [("r1", stack(StackState.STARTING)), ("r1", web(ServiceState.STARTED, pid=7))]
    assert status_after(*begun, ("r1", web(state, pid=8))).services["web"].pid == pid
    assert status_after(*begun, ("r1", web(state))).services["web"].pid == (7 if pid else None)


def test_an_adopted_service_counts_as_ready() -> None:
    """A stack without services is ready, too."""
    assert StackStatus("nova").all_ready
    adopted = status_after(("r1", stack(StackState.STARTING)), ("r1", web(ServiceState.ADOPTED, pid=7)))
    assert adopted.all_ready
    other = status_after(
        ("r1", stack(StackState.STARTING)), ("r1", web(ServiceState.ADOPTED)), ("r1", replace(web(ServiceState.STARTED), name="b"))
    )
    assert not other.all_ready


def test_a_status_is_not_changed_by_events() -> None:
    """Each event returns another one; a subscriber may keep the one before."""
    before = status_after(("r1", stack(StackState.STARTING)), ("r1", web(ServiceState.STARTED, pid=7)))
    event = EventRecord(id="9", sequence=9, time=START, source="/x/nova", run_id="r1", event=web(ServiceState.EXITED))
    assert before.apply(event).services["web"].state is ServiceState.EXITED
    assert before.services["web"].state is ServiceState.STARTED
