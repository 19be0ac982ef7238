"""How many nodes of a lane may start at once."""

from collections.abc import Mapping

from novaflow.model.component import Lane

DOWNLOADS = 4  # at once; more of them share one line and finish no sooner


def lane_widths(jobs: int) -> Mapping[Lane, int]:
    """Return the width of every lane that has one; ``jobs`` is how many steps may burn a core at once."""
    return {Lane.APT: 1, Lane.CPU: jobs, Lane.NET: DOWNLOADS}
