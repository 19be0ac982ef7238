"""What changes in a source tree, and who imported it, on real files and real programs."""

import shutil
import subprocess
from pathlib import Path

import anyio
import pytest

from novaflow.adapters.process.process_ownership import ProcessOwner
from novaflow.adapters.storage.source_tree import find_importers, name_module, watch_modules
from novaflow.model.paths import Paths
from tests.support.programs import WITHIN_S

# ruff: noqa: S603, TID251 - the programs tests start are their own

HOOK = Path(__file__).parents[3] / "workflows/services/nova/import_notes.py"


@pytest.mark.parametrize(
    ("path", "module"),
    [("nova/compute/manager.py", "nova.compute.manager"), ("nova/compute/__init__.py", "nova.compute"), ("setup.py", "setup")],
)
def test_a_file_is_a_module(path: str, module: str) -> None:
    """As Python names it."""
    assert name_module(Path(path)) == module


@pytest.mark.slow
async def test_a_change_is_told_by_the_modules_name(tmp_path: Path) -> None:
    """Through a link to the tree too; what is no module is passed over."""
    tree, link = tmp_path / "real", tmp_path / "source"
    (tree / "nova").mkdir(parents=True)
    link.symlink_to(tree)

    async def change() -> None:
        while True:  # until the watch has begun, and sees it
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
    """Return a program that imports a module of the tree, in an environment that notes it; ``-S`` leaves out all others."""
    (paths.source / "nova").mkdir(parents=True)
    (paths.source / "nova/__init__.py").touch()
    (paths.source / "nova/manager.py").touch()
    shutil.copy(HOOK, tmp_path)
    code = f"import sys; sys.path[:0] = ['{tmp_path}', '{paths.source}']; import import_notes, json, nova.manager"
    return ["/usr/bin/python3", "-IS", "-c", code]


def test_a_node_notes_what_it_imports_from_the_tree(paths: Paths, program: list[str], owner: ProcessOwner) -> None:
    """And nothing else; who imported none of what changed is not concerned."""
    paths.imports.mkdir()
    subprocess.run(program, check=True, env=dict(owner.marker), timeout=WITHIN_S)
    assert (paths.imports / "web").read_text().split() == ["nova", "nova.manager"]
    assert find_importers(paths, {"nova.manager", "nova.other"}) == {"web"}
    assert find_importers(paths, {"nova.other"}) == frozenset()


@pytest.mark.parametrize("marked", [True, False])
def test_where_nobody_wants_to_know_nothing_is_noted(paths: Paths, program: list[str], owner: ProcessOwner, marked: bool) -> None:  # noqa: FBT001
    """Neither by a service of a stack that is not watched, nor by a program that is none of its services."""
    subprocess.run(program, check=True, env=dict(owner.marker) if marked else {}, timeout=WITHIN_S)
    assert not paths.imports.exists()


def test_a_program_does_not_notice_that_it_cannot_note(paths: Paths, program: list[str], owner: ProcessOwner) -> None:
    """The place of its notes is taken by a folder: it goes on."""
    (paths.imports / "web").mkdir(parents=True)
    subprocess.run(program, check=True, env=dict(owner.marker), timeout=WITHIN_S)
