"""The restart policy: growing pauses, a ceiling and a budget."""

import pytest

from novaflow.model.restart import RestartPolicy
from novaflow.plan.restarts import RestartHistory

POLICY = RestartPolicy(first_s=1, factor=2, most_s=5, jitter=0.2, budget=4, window_s=100)
MIDDLE = 0.5  # the random_fraction that adds no jitter


def test_the_pause_grows_up_to_its_ceiling() -> None:
    """Each restart within the window waits longer than the one before, up to the ceiling."""
    history = RestartHistory(POLICY)
    assert [history.plan_restart(float(at), MIDDLE) for at in range(4)] == [1, 2, 4, 5]


def test_a_used_up_budget_ends_the_restarts() -> None:
    """The restart after the last one of the budget is refused."""
    history = RestartHistory(POLICY)
    for at in range(4):
        history.plan_restart(float(at), MIDDLE)
    assert history.plan_restart(4.0, MIDDLE) is None
    assert history.count == 4


def test_restarts_before_the_window_do_not_count() -> None:
    """A service that ran for a whole window has its budget and its shortest pause again."""
    history = RestartHistory(POLICY)
    for at in range(4):
        history.plan_restart(float(at), MIDDLE)
    assert history.plan_restart(103.0, MIDDLE) == 1


def test_no_budget_means_no_restart() -> None:
    """A service with a budget of 0 is never restarted."""
    assert RestartHistory(RestartPolicy(budget=0)).plan_restart(0.0, MIDDLE) is None


@pytest.mark.parametrize(("random_fraction", "pause_s"), [(0.0, 0.8), (0.5, 1.0), (1.0, 1.2)])
def test_jitter_spreads_the_pause(random_fraction: float, pause_s: float) -> None:
    """The pause varies by the fraction of the jitter, in both directions."""
    assert POLICY.pause_s(0, random_fraction) == pytest.approx(pause_s)


def test_a_long_history_does_not_overflow() -> None:
    """The pause stays at its ceiling however many restarts there were."""
    assert RestartPolicy(budget=10_000).pause_s(9_999, MIDDLE) == 20
