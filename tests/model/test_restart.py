"""The pauses between restarts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaflow.model.restart import RestartPolicy
from tests.support.properties import EXAMPLES

POLICY = RestartPolicy(first_s=1, factor=2, most_s=10, jitter=0.2)


@pytest.mark.parametrize(("restarts", "pause_s"), [(0, 1), (1, 2), (2, 4), (3, 8), (4, 10), (5, 10), (10_000_000, 10)])
def test_pauses_grow_to_a_limit(restarts: int, pause_s: float) -> None:
    """They double, and no number of restarts overflows."""
    assert POLICY.pause_s(restarts, 0.5) == pause_s


@pytest.mark.parametrize(("random_fraction", "pause_s"), [(0.0, 3.2), (0.25, 3.6), (0.5, 4.0), (0.75, 4.4), (1.0, 4.8)])
def test_pauses_vary_around_their_mean(random_fraction: float, pause_s: float) -> None:
    """By a fifth in both directions: services that exited together do not start together."""
    assert POLICY.pause_s(2, random_fraction) == pytest.approx(pause_s)


@EXAMPLES
@given(restarts=st.integers(0, 1000), random_fraction=st.floats(0, 1), factor=st.floats(1, 1e6))
def test_a_pause_is_never_negative_or_endless(restarts: int, random_fraction: float, factor: float) -> None:
    """Whatever the policy, the pause is within its limit and the jitter."""
    policy = RestartPolicy(factor=factor, most_s=20, jitter=1)
    assert 0 <= policy.pause_s(restarts, random_fraction) <= 40
