"""Limits of concurrency pools: how many nodes of a pool may start at once."""

from collections.abc import Mapping

from novaflow.model.step import ConcurrencyPool

DOWNLOADS = 4  # at once; more share one network link and finish no sooner


def pool_limits(jobs: int) -> Mapping[ConcurrencyPool, int]:
    """Return the limit of every limited pool; ``jobs`` is the limit of CPU-intensive steps."""
    return {ConcurrencyPool.APT: 1, ConcurrencyPool.CPU: jobs, ConcurrencyPool.NET: DOWNLOADS}
