"""heat's component: when it is part of a stack, and what it declares."""

from collections.abc import Collection
from pathlib import Path

import pytest

from novaflow.adapters.storage import find_components
from novaflow.model.check import Severity
from novaflow.model.paths import Paths
from novaflow.plan.compile import compile_graph, select_components
from tests.support.settings import WORKFLOWS, make_settings
from workflows.services.heat.component import COMPONENT, has_memory

COMPONENTS = find_components(WORKFLOWS).components


def select(names: Collection[str]) -> set[str]:
    """Return the names of the components of a stack with these NOVAFLOW_SERVICES."""
    return {component.name for component in select_components(COMPONENTS, names, make_settings())}


@pytest.mark.parametrize(("names", "is_selected"), [((), False), (("default",), False), (("default", "heat"), True), (("heat",), True)])
def test_heat_is_off_by_default(names: tuple[str, ...], is_selected: bool) -> None:  # noqa: FBT001
    """It is part of a stack only if NOVAFLOW_SERVICES names it."""
    assert ("heat" in select(names)) is is_selected


def test_heat_is_added_to_the_default_components() -> None:
    """``default,heat`` selects the components of a default stack and heat."""
    assert select(("default", "heat")) == select(()) | {"heat"}


def test_heat_alone_selects_what_it_needs() -> None:
    """It needs keystone, the database and the broker."""
    assert select(("heat",)) >= {"heat", "keystone", "database", "rabbitmq"}


@pytest.mark.parametrize("workflow", ["install", "template", "run", "terminate", "clean"])
def test_the_workflows_are_complete_with_heat(workflow: str) -> None:
    """All needs of its steps and services exist, and its port is free."""
    settings = make_settings()
    compile_graph(workflow, select_components(COMPONENTS, ("default", "heat"), settings), settings)


def test_the_address_of_the_api() -> None:
    """`status` shows it without the project."""
    assert COMPONENT.urls(make_settings(host_ip="192.0.2.1")) == {"orchestration": "https://192.0.2.1:8004/v1"}


def test_the_check_reports_the_available_memory(tmp_path: Path) -> None:
    """A machine that runs the tests has enough memory for heat."""
    result = has_memory(make_settings(), Paths(tmp_path))
    assert (result.about, result.severity) == ("heat", Severity.GOOD)
    assert result.found.endswith(" MiB of memory available")
