"""The life cycle of a node: which transitions change its phase."""

import pytest

from novaflow.plan.lifecycle import (
    LIFECYCLE,
    Exited,
    Failed,
    Phase,
    Started,
    StartRequested,
    StopRequested,
    Succeeded,
    Transition,
    next_phase,
)


@pytest.mark.parametrize(
    ("transitions", "end"),
    [
        ([Started("a"), Succeeded("a")], Phase.UP),
        ([Started("a"), Succeeded("a"), StopRequested("a"), Exited("a")], Phase.STOPPED),
        ([Started("a"), StopRequested("a"), Succeeded("a"), Exited("a")], Phase.STOPPED),
        ([Started("a"), Failed("a", "died")], Phase.FAILED),
        ([Started("a"), Succeeded("a"), Failed("a", "died")], Phase.FAILED),
        ([Started("a"), StopRequested("a"), Failed("a", "died")], Phase.FAILED),
        ([StopRequested("a")], Phase.STOPPED),
        ([Failed("a", "a need failed")], Phase.FAILED),
        ([Started("a"), Failed("a", "died"), StartRequested("a")], Phase.WAITING),
        ([Started("a"), StopRequested("a"), Exited("a"), StartRequested("a"), Started("a"), Succeeded("a")], Phase.UP),
    ],
)
def test_transitions_lead_to_a_phase(transitions: list[Transition], end: Phase) -> None:
    """Each sequence of transitions ends in the phase of the table."""
    phase = Phase.WAITING
    for transition in transitions:
        phase = next_phase(phase, transition)
    assert phase is end


@pytest.mark.parametrize("end", [Phase.FAILED, Phase.STOPPED])
@pytest.mark.parametrize("transition", [Started("a"), Succeeded("a"), Failed("a", "again"), StopRequested("a"), Exited("a")])
def test_an_ended_node_stays_ended(end: Phase, transition: Transition) -> None:
    """Only a request to start changes the phase of a node that has failed or stopped."""
    assert next_phase(end, transition) is end


def test_an_exit_after_success_changes_nothing() -> None:
    """A step that has succeeded stays up when its process exits."""
    assert next_phase(Phase.UP, Exited("a")) is Phase.UP


@pytest.mark.parametrize("phase", [Phase.WAITING, Phase.STARTING, Phase.UP, Phase.STOPPING])
def test_only_a_node_that_is_down_can_be_started(phase: Phase) -> None:
    """A request to start a node that is not down changes nothing."""
    assert next_phase(phase, StartRequested("a")) is phase


def test_every_phase_has_a_row() -> None:
    """The table lists every phase."""
    assert set(LIFECYCLE) == set(Phase)
