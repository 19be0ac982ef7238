"""How many nodes of a lane may start at once."""

from collections.abc import Mapping

from novaflow.model.step import ConcurrencyPool

DOWNLOADS = 4  # at once; more of them share one line and finish no sooner


def pool_limits(jobs: int) -> Mapping[ConcurrencyPool, int]:
    """Return the width of every lane that has one; ``jobs`` is how many steps may burn a core at once."""
    return {ConcurrencyPool.APT: 1, ConcurrencyPool.CPU: jobs, ConcurrencyPool.NET: DOWNLOADS}
