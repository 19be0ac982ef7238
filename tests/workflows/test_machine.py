"""What the machine's own checks say of settings."""

from pathlib import Path
from typing import Any

import pytest

from novaflow.model.component import Paths, Verdict
from novaflow.settings import LibvirtType, Settings
from workflows.components.machine import is_built


@pytest.mark.parametrize(
    ("chosen", "name"),
    [
        ({"libvirt_type": LibvirtType.LXC}, "LIBVIRT_TYPE=lxc"),
    ],
)
def test_what_is_not_built_is_refused(tmp_path: Path, chosen: dict[str, Any], name: str) -> None:
    """Better than passed over."""
    finding = is_built(Settings(**chosen), Paths(tmp_path))
    assert (finding.verdict, finding.found) == (Verdict.BAD, f"{name} is not built yet")
