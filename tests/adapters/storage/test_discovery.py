"""Folders of workflows: what is found in them, and how plainly the rest is refused."""

from pathlib import Path

import pytest

from novaflow.adapters.storage.discovery import find_components
from novaflow.errors import ComponentBroken, UsageError

WORKFLOW = 'from novaflow.model.workflow import Workflow\nWORKFLOW = Workflow("run", "Everything.")\n'
COMPONENT = 'from novaflow.model.component import Component\nCOMPONENT = Component("{name}", "A toy.")\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of workflows with nothing in it, named so that no other test has imported it."""
    (tmp_path / tmp_path.name / "components").mkdir(parents=True)
    return tmp_path / tmp_path.name


def refusal(folder: Path) -> str:
    """Return why the folder is refused."""
    with pytest.raises(ComponentBroken) as caught:
        find_components(folder)
    return str(caught.value)


def test_a_file_is_a_workflow_or_a_component(folder: Path) -> None:
    """Both are found, in order; a module that defines no COMPONENT is a helper and is not loaded."""
    (folder / "run.py").write_text(WORKFLOW)
    for name in ("web-server", "database"):
        (folder / f"components/{name.replace('-', '_')}.py").write_text(COMPONENT.format(name=name))
    (folder / "components/_draft.py").write_text("not python")
    found = find_components(folder)
    assert [component.name for component in found.components] == ["database", "web-server"]
    assert [*found.workflows] == ["run"]


def test_a_syntax_error_is_shown_with_its_line(folder: Path) -> None:
    """The author reads file, line and what is wrong."""
    (folder / "components/web.py").write_text("COMPONENT = 1\n\ndef (:\n")
    assert refusal(folder) == f"{folder}/components/web.py: line 3: invalid syntax"


def test_a_syntax_error_of_another_file_is_shown_where_it_is(folder: Path) -> None:
    """What a component imports is not the component's fault."""
    (folder / "shared").mkdir()
    (folder / "shared/ports.py").write_text("x = = 1\n")
    (folder / "components/web.py").write_text(f"import {folder.name}.shared.ports\nCOMPONENT = 1\n")
    assert refusal(folder).startswith(f"{folder}/shared/ports.py: line 1: ")


def test_a_component_that_breaks_when_loaded_is_named(folder: Path) -> None:
    """Whatever it raises is in the message."""
    (folder / "components/web.py").write_text("1 / 0\nCOMPONENT = 1\n")
    assert refusal(folder) == f"{folder}/components/web.py: it cannot be loaded: ZeroDivisionError: division by zero"


def test_an_error_of_ours_is_passed_on(folder: Path) -> None:
    """A component may refuse in its own words."""
    (folder / "components/web.py").write_text("from novaflow.errors import UsageError\nraise UsageError('no')\nCOMPONENT = 1\n")
    with pytest.raises(UsageError, match=r"^no$"):
        find_components(folder)


def test_a_component_of_another_type_is_refused(folder: Path) -> None:
    """The message says what was expected and what was found."""
    (folder / "components/web.py").write_text("COMPONENT = 1")
    assert refusal(folder) == f"{folder}/components/web.py: it must hold a Component called COMPONENT, found 1"


def test_a_workflow_of_another_type_is_refused(folder: Path) -> None:
    """The message says what was expected and what was found."""
    (folder / "components/web.py").write_text(COMPONENT.format(name="web"))
    (folder / "run.py").write_text("WORKFLOW = 1")
    assert refusal(folder) == f"{folder}/run.py: it must hold a Workflow called WORKFLOW, found 1"


def test_a_folder_without_components_is_refused(tmp_path: Path) -> None:
    """A wrong NOVAFLOW_WORKFLOWS is noticed at once."""
    assert refusal(tmp_path) == f"{tmp_path}: no module in this folder defines COMPONENT"


def test_a_folder_that_another_hides_is_refused(tmp_path: Path) -> None:
    """A package that Python finds first wins; the message says what makes this one a package as well."""
    (tmp_path / "novaflow/components").mkdir(parents=True)
    (tmp_path / "novaflow/components/web.py").write_text(COMPONENT.format(name="web"))
    assert refusal(tmp_path / "novaflow").endswith(f"Python finds another package 'novaflow'; put an __init__.py into {tmp_path}/novaflow")


def test_a_file_that_another_hides_is_refused(tmp_path: Path) -> None:
    """The same where the other package has a file of that name."""
    (tmp_path / "novaflow/components").mkdir(parents=True)
    (tmp_path / "novaflow/errors.py").write_text(COMPONENT.format(name="errors"))
    assert refusal(tmp_path / "novaflow").startswith(f"{tmp_path}/novaflow/errors.py: Python finds another one, ")


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
