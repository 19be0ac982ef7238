"""When a file system counts as nearly full."""

import pytest

from novaflow.model.disk import low_below

GIB = 1 << 30
MIB = 1 << 20


@pytest.mark.parametrize(
    ("size", "limit"),
    [
        (0, 0),
        (GIB, 53_687_091),
        (10 * GIB, 512 * MIB),
        (10 * GIB - 1000, 512 * MIB - 50),
        (11 * GIB, 512 * MIB),
        (100_000 * GIB, 512 * MIB),
    ],
)
def test_a_small_file_system_has_a_small_limit(size: int, limit: int) -> None:
    """A twentieth of it; from 10 GiB on, always 512 MiB."""
    assert low_below(size) == limit
