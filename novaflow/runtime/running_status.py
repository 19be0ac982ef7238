"""The status of a stack that is up, without its settings and components, which take longer to load than the supervisor to answer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from novaflow.adapters.control.quick_status import fetch_status_quickly
from novaflow.model.paths import Paths


def fetch_running_status(folder: Path) -> Mapping[str, Any] | None:
    """Return the object that `status --json` prints, from the supervisor of the stack in ``folder``.

    ``None`` says nothing about the stack: ``query_status`` returns or raises what there is to say about it.
    """
    try:
        paths = Paths(folder.expanduser().resolve())
    except (OSError, RuntimeError):  # as in open_stack, which names the reason
        return None
    return fetch_status_quickly(paths.control)
