"""Folders of workflows and components: what is found in them, and how invalid ones are rejected."""

from pathlib import Path

import pytest

from novaflow.adapters.storage import find_components
from novaflow.errors import ComponentBroken, UsageError

WORKFLOW = 'from novaflow.model.workflow import Workflow\nWORKFLOW = Workflow("run", "Everything.")\n'
COMPONENT = 'from novaflow.model.component import Component\nCOMPONENT = Component("{name}", "A toy.")\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder of workflows whose name no other test imports."""
    (tmp_path / tmp_path.name / "components").mkdir(parents=True)
    return tmp_path / tmp_path.name


def find_error(folder: Path, *others: Path) -> str:
    """Return why the folders are rejected."""
    with pytest.raises(ComponentBroken) as caught:
        find_components(folder, *others)
    return str(caught.value)


def test_a_module_defines_a_workflow_or_a_component(folder: Path) -> None:
    """Both are found, in order; a module that defines neither, and a hidden folder, are not loaded."""
    (folder / "run.py").write_text(WORKFLOW)
    for name in ("web-server", "database"):
        (folder / f"components/{name.replace('-', '_')}.py").write_text(COMPONENT.format(name=name))
    (folder / "components/_draft.py").write_text("not python")
    (folder / ".venv").mkdir()
    (folder / ".venv/broken.py").write_text("COMPONENT = 1 / 0\n")
    found = find_components(folder)
    assert [component.name for component in found.components] == ["database", "web-server"]
    assert [*found.workflows] == ["run"]


def test_the_error_names_the_line_of_a_syntax_error(folder: Path) -> None:
    """It also names the file and the problem."""
    (folder / "components/web.py").write_text("COMPONENT = 1\n\ndef (:\n")
    assert find_error(folder) == f"{folder}/components/web.py: line 3: invalid syntax"


def test_the_error_names_the_imported_module_with_the_syntax_error(folder: Path) -> None:
    """It does not name the component that imports the module."""
    (folder / "shared").mkdir()
    (folder / "shared/ports.py").write_text("x = = 1\n")
    (folder / "components/web.py").write_text(f"import {folder.name}.shared.ports\nCOMPONENT = 1\n")
    assert find_error(folder).startswith(f"{folder}/shared/ports.py: line 1: ")


def test_the_error_contains_the_exception_of_a_module(folder: Path) -> None:
    """Its type and its message are in the error."""
    (folder / "components/web.py").write_text("1 / 0\nCOMPONENT = 1\n")
    assert find_error(folder) == f"{folder}/components/web.py: the module cannot be loaded: ZeroDivisionError: division by zero"


def test_an_error_of_novaflow_is_not_changed(folder: Path) -> None:
    """A component may reject the machine or the settings with a message of its own."""
    (folder / "components/web.py").write_text("from novaflow.errors import UsageError\nraise UsageError('no')\nCOMPONENT = 1\n")
    with pytest.raises(UsageError, match=r"^no$"):
        find_components(folder)


def test_a_component_of_another_type_is_rejected(folder: Path) -> None:
    """The error names the expected type and the found value."""
    (folder / "components/web.py").write_text("COMPONENT = 1")
    assert find_error(folder) == f"{folder}/components/web.py: COMPONENT must be a Component, found 1"


def test_a_workflow_of_another_type_is_rejected(folder: Path) -> None:
    """The error names the expected type and the found value."""
    (folder / "components/web.py").write_text(COMPONENT.format(name="web"))
    (folder / "run.py").write_text("WORKFLOW = 1")
    assert find_error(folder) == f"{folder}/run.py: WORKFLOW must be a Workflow, found 1"


def test_a_folder_without_components_is_rejected(tmp_path: Path) -> None:
    """The error names the setting that contains the folder."""
    expected = "no module in this folder of NOVAFLOW_WORKFLOWS defines COMPONENT; add one or change NOVAFLOW_WORKFLOWS"
    assert find_error(tmp_path) == f"{tmp_path}: {expected}"


def test_a_folder_with_the_name_of_another_package_is_rejected(tmp_path: Path) -> None:
    """Python imports the package that it finds first, here novaflow; the error says what to rename."""
    (tmp_path / "novaflow/components").mkdir(parents=True)
    path = tmp_path / "novaflow/components/web.py"
    path.write_text(COMPONENT.format(name="web"))
    expected = f"Python finds another package named 'novaflow' first; rename the folder {tmp_path}/novaflow"
    assert find_error(tmp_path / "novaflow") == f"{path}: {expected}"


def test_a_module_with_the_name_of_another_one_is_rejected(tmp_path: Path) -> None:
    """The same holds if the other package contains a module of that name."""
    (tmp_path / "novaflow").mkdir()
    (tmp_path / "novaflow/errors.py").write_text(COMPONENT.format(name="errors"))
    expected = f"Python finds another package named 'novaflow' first; rename the folder {tmp_path}/novaflow"
    assert find_error(tmp_path / "novaflow") == f"{tmp_path}/novaflow/errors.py: {expected}"


def test_further_folders_add_components(folder: Path) -> None:
    """Components of all folders are found, and the classes of settings that they declare, each once."""
    (folder / "components/web.py").write_text(COMPONENT.format(name="web"))
    mine = folder.parent / f"{folder.name}_mine"
    mine.mkdir()
    (mine / "cache.py").write_text(
        "from novaflow.model.component import Component\n"
        "from novaflow.settings import CoreSettings\n"
        'COMPONENT = Component("cache", "Mine.", settings=(CoreSettings, CoreSettings))\n'
    )
    found = find_components(folder, mine)
    assert [component.name for component in found.components] == ["cache", "web"]
    assert [group.__name__ for group in found.settings] == ["CoreSettings"]
    assert find_components(folder, mine, folder, mine) == found


def test_two_workflows_of_the_same_name_are_rejected(folder: Path) -> None:
    """The error names both files."""
    (folder / "components/web.py").write_text(COMPONENT.format(name="web"))
    for name in ("run", "start"):
        (folder / f"{name}.py").write_text(WORKFLOW)
    assert find_error(folder) == f"{folder}/start.py: workflow 'run' is also defined in {folder}/run.py; rename one of them"
