"""What the machine's own checks say of settings."""

from pathlib import Path
from typing import Any

import pytest

from novaflow.model.component import Paths, Verdict
from novaflow.settings import NetMan, Settings
from workflows.components.machine import is_built


@pytest.mark.parametrize(
    ("chosen", "name"),
    [
        ({"use_ldap": True}, "USE_LDAP=1"),
        ({"use_opendj": True}, "USE_OPENDJ=1"),
        ({"use_ipv6": True}, "USE_IPV6=1"),
        ({"test": True}, "TEST=1"),
        ({"net_man": NetMan.FLAT}, "NET_MAN=FlatManager"),
    ],
)
def test_what_is_not_built_is_refused(tmp_path: Path, chosen: dict[str, Any], name: str) -> None:
    """Better than passed over."""
    finding = is_built(Settings(**chosen), Paths(tmp_path))
    assert (finding.verdict, finding.found) == (Verdict.BAD, f"{name} is not built yet")
