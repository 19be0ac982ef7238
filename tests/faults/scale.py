"""How often faults are injected: a few times in CI, and as often as the campaign asks with ``FAULTS=long``."""

import os

IS_LONG = os.environ.get("FAULTS") == "long"  # noqa: TID251 - a parameter of the tests, not a setting
TIMEOUT_S = 1800 if IS_LONG else 600  # of one test


def times(short: int, long: int) -> int:
    """Return the number of faults of this run."""
    return long if IS_LONG else short
