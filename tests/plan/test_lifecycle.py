"""The life of a node: what moves it, and what does not."""

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
    ("moves", "end"),
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
def test_a_life(moves: list[Transition], end: Phase) -> None:
    """Each of these lives ends where the table says."""
    phase = Phase.WAITING
    for move in moves:
        phase = next_phase(phase, move)
    assert phase is end


@pytest.mark.parametrize("end", [Phase.FAILED, Phase.STOPPED])
@pytest.mark.parametrize("move", [Started("a"), Succeeded("a"), Failed("a", "again"), StopRequested("a"), Exited("a")])
def test_an_ended_life_stays_ended(end: Phase, move: Transition) -> None:
    """Nothing moves what has failed or stopped, but somebody who wants it again."""
    assert next_phase(end, move) is end


def test_a_step_that_is_done_leaves_nothing_behind() -> None:
    """The end of a done step's process changes nothing."""
    assert next_phase(Phase.UP, Exited("a")) is Phase.UP


@pytest.mark.parametrize("phase", [Phase.WAITING, Phase.STARTING, Phase.UP, Phase.STOPPING])
def test_what_is_not_down_is_not_started_again(phase: Phase) -> None:
    """Whoever wants it has it, or waits for its end."""
    assert next_phase(phase, StartRequested("a")) is phase


def test_the_table_knows_every_phase() -> None:
    """A phase without a row would be a question without an answer."""
    assert set(LIFECYCLE) == set(Phase)
