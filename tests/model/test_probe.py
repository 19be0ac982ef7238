"""The backoff between attempts."""

from novaflow.model.probe import Backoff


def test_pauses_grow_to_a_limit() -> None:
    """Each pause is longer than the one before, up to the limit."""
    backoff = Backoff(first_s=1, most_s=5, factor=2)
    assert [backoff.pause_before(attempt) for attempt in (1, 2, 3, 4, 5)] == [1, 2, 4, 5, 5]


def test_the_first_pause_is_limited() -> None:
    """No pause is longer than the limit."""
    assert Backoff(first_s=9, most_s=5).pause_before(1) == 5


def test_a_pause_never_overflows() -> None:
    """After a week of attempts, the pause is still the limit."""
    assert Backoff().pause_before(10_000_000) == 0.5
