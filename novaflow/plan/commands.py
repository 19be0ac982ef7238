"""Commands of users for single services."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from novaflow.errors import UsageError
from novaflow.plan.graph import Graph
from novaflow.plan.lifecycle import Phase

DOWN_TEXTS = {
    Phase.FAILED: "has failed",
    Phase.STOPPED: "is stopped",
    Phase.STOPPING: "is stopping",
    Phase.BACKOFF: "exited and will be restarted",
}


class ServiceCommand(StrEnum):
    """What a user can do with one service while the others run."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"


def require_needs(graph: Graph, phases: Mapping[str, Phase], names: Collection[str], requested: Collection[str]) -> None:
    """Return if nothing that these services need is down, except for each other and the services whose start is ``requested``.

    Raises: UsageError, with the service that has to be started first.
    """
    for name in names:
        for need in sorted(graph.transitive_needs(name) - {*names, *requested}):
            if phases[need] in DOWN_TEXTS:
                raise UsageError(f"{name} needs {need}, which {DOWN_TEXTS[phases[need]]}; start {need} first")
