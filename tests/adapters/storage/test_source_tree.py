"""Changes of a source tree and the nodes that import its modules, with real files and programs."""

import shutil
import subprocess
from pathlib import Path

import anyio
import pytest

from novaflow.adapters.process import ProcessOwner
from novaflow.adapters.storage.source_tree import find_importers, name_module, watch_modules
from novaflow.model.paths import Paths
from tests.support.programs import WITHIN_S

# ruff: noqa: S603, TID251 - tests start their own programs

HOOK = Path(__file__).parents[3] / "workflows/services/nova/import_notes.py"


@pytest.mark.parametrize(
    ("path", "module"),
    [("nova/compute/manager.py", "nova.compute.manager"), ("nova/compute/__init__.py", "nova.compute"), ("setup.py", "setup")],
)
def test_a_file_has_the_name_of_its_module(path: str, module: str) -> None:
    """Names are those that Python imports."""
    assert name_module(Path(path)) == module


@pytest.mark.slow
async def test_a_change_names_its_module(tmp_path: Path) -> None:
    """A symbolic link to the tree is followed, and other files are ignored."""
    tree, link = tmp_path / "real", tmp_path / "source"
    (tree / "nova").mkdir(parents=True)
    link.symlink_to(tree)

    async def change() -> None:
        while True:  # until the watcher has started
            (tree / "nova/notes.txt").write_text("x")
            (tree / "nova/manager.py").write_text("x")
            await anyio.sleep(0.05)

    with anyio.fail_after(WITHIN_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(change)
            async for modules in watch_modules(link):
                assert modules == {"nova.manager"}
                tasks.cancel_scope.cancel()


@pytest.fixture
def program(paths: Paths, tmp_path: Path) -> list[str]:
    """Return a program that imports a module of the tree and records it; ``-S`` excludes other packages."""
    (paths.source / "nova").mkdir(parents=True)
    (paths.source / "nova/__init__.py").touch()
    (paths.source / "nova/manager.py").touch()
    shutil.copy(HOOK, tmp_path)
    code = f"import sys; sys.path[:0] = ['{tmp_path}', '{paths.source}']; import import_notes, json, nova.manager"
    return ["/usr/bin/python3", "-IS", "-c", code]


def test_a_node_records_its_imports(paths: Paths, program: list[str], owner: ProcessOwner) -> None:
    """Only modules of the tree are recorded, and only their importers are found."""
    paths.imports.mkdir()
    subprocess.run(program, check=True, env=dict(owner.marker), timeout=WITHIN_S)
    assert (paths.imports / "web").read_text().split() == ["nova", "nova.manager"]
    assert find_importers(paths, {"nova.manager", "nova.other"}) == {"web"}
    assert find_importers(paths, {"nova.other"}) == frozenset()


@pytest.mark.parametrize("marked", [True, False])
def test_imports_are_recorded_only_on_request(paths: Paths, program: list[str], owner: ProcessOwner, marked: bool) -> None:  # noqa: FBT001
    """A stack that is not watched records nothing, nor does a program that is no service."""
    subprocess.run(program, check=True, env=dict(owner.marker) if marked else {}, timeout=WITHIN_S)
    assert not paths.imports.exists()


def test_a_recording_error_is_ignored(paths: Paths, program: list[str], owner: ProcessOwner) -> None:
    """A program runs on if its imports cannot be recorded."""
    (paths.imports / "web").mkdir(parents=True)
    subprocess.run(program, check=True, env=dict(owner.marker), timeout=WITHIN_S)
