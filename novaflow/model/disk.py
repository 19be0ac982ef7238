"""When the file system of a stack counts as nearly full."""

LOW_MIB = 512  # what a stack writes in an hour, and time to free some
LOW_FRACTION = 0.05  # of a file system that is smaller than 10 GiB


def low_below(size: int) -> int:
    """Return the free space in bytes below which a file system of ``size`` bytes is nearly full."""
    return min(LOW_MIB << 20, int(size * LOW_FRACTION))
