"""The checks of network interfaces and bridges."""

from pathlib import Path

import pytest

from novaflow.model.check import CheckResult, Severity
from novaflow.model.paths import Paths
from tests.support.settings import make_settings
from workflows.infra.openvswitch.component import check_interfaces


def test_no_interface_is_used_by_default(tmp_path: Path) -> None:
    """INTERFACE and FLAT_INTERFACE are empty."""
    assert check_interfaces(make_settings(), Paths(tmp_path)) == CheckResult("network interfaces", Severity.GOOD, "none will be used")


@pytest.mark.parametrize("setting", ["interface", "flat_interface"])
def test_an_interface_that_does_not_exist_is_bad(tmp_path: Path, setting: str) -> None:
    """The result names it."""
    result = check_interfaces(make_settings(**{setting: "none0"}), Paths(tmp_path))
    expected = "no network interface is named none0"
    assert result == CheckResult("network interfaces", Severity.BAD, expected, "choose one that `ip link` lists")


def test_an_interface_in_use_is_unwise(tmp_path: Path) -> None:
    """The result names each use; --force accepts it."""
    result = check_interfaces(make_settings(interface="lo"), Paths(tmp_path))
    assert result.severity is Severity.UNWISE
    assert result.found.startswith("lo is in use: it has the address 127.0.0.1")
    assert "--force" in result.advice
