"""`test`: the unit tests of Nova's source tree, before anything is started from it; `run --test`, or TEST=1."""

from novaflow.model.component import Paths, Workflow
from novaflow.settings import Settings


def _no_tree(_: Settings, paths: Paths) -> str | None:
    if not paths.source.exists():
        return f"{paths.source} does not exist, and it is what would be tested; fetch it with `novaflow branch`, or leave out TEST"
    return None


WORKFLOW = Workflow("test", "The unit tests of Nova's source tree.", unmet=_no_tree)
