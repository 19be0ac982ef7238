"""A wheel holds everything that novaflow needs, and novaflow runs from it without a checkout."""

# ruff: noqa: S603, TID251 - the programs that the tests start are uv and novaflow

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

from novaflow.settings import registry_environment

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
BUNDLED = "novaflow/bundled/workflows"
MANUAL = "novaflow-0.1.0.data/data/share/man/man1/novaflow.1"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # uv downloads the packages that its cache does not hold


@dataclass(frozen=True, slots=True)
class Installed:
    """A virtual environment in which the wheel is installed, and an empty folder to run commands in."""

    venv: Path
    folder: Path

    def run(self, *arguments: str) -> str:
        """Return the standard output of `novaflow` with these arguments."""
        return run(self.venv / "bin/novaflow", *arguments, cwd=self.folder)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel built from a source distribution of this checkout, as for a release."""
    folder = tmp_path_factory.mktemp("dist")
    run(UV, "build", "--quiet", "--python", sys.executable, "--out-dir", folder, ROOT, cwd=folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Return an environment that holds the wheel and its dependencies, and nothing of the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    run(UV, "venv", "--quiet", "--python", sys.executable, folder / "venv", cwd=folder)
    run(UV, "pip", "install", "--quiet", "--python", folder / "venv/bin/python", wheel, cwd=folder)
    (folder / "empty").mkdir()
    return Installed(folder / "venv", folder / "empty")


def run(program: Path, *arguments: str | Path, cwd: Path) -> str:
    """Return the standard output of a program that must succeed."""
    environment = registry_environment() | {"PATH": "/usr/bin:/bin", "COLUMNS": "200"}
    done = subprocess.run([program, *arguments], cwd=cwd, env=environment, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def list_files(folder: Path) -> set[str]:
    """Return the paths of all files below the folder, relative to it."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


def test_the_wheel_holds_both_folders_and_nothing_else(wheel: Path) -> None:
    """The wheel holds every file of novaflow/ and, below the package, every file of workflows/; its only package is novaflow.

    The manual page is beside it.
    """
    found = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = {f"novaflow/{name}" for name in list_files(ROOT / "novaflow")}
    assert found == package | {f"{BUNDLED}/{name}" for name in list_files(ROOT / "workflows")} | {MANUAL}
    assert {"novaflow/py.typed", f"{BUNDLED}/constraints/openstack.txt", f"{BUNDLED}/infra/libvirt/libvirt-namespace.sh"} <= found


def test_novaflow_prints_its_version(installed: Installed) -> None:
    """The command is installed with the package."""
    assert installed.run("--version") == "novaflow, version 0.1.0\n"


def test_man_finds_the_manual_page(installed: Installed) -> None:
    """A program in PATH has its manual page in the folder share/man beside. Source: manpath(1)."""
    assert (installed.venv / "share/man/man1/novaflow.1").read_text().startswith('.\\" Written by `python -m tools`.\n.TH NOVAFLOW 1 ')


def test_the_bundled_workflows_are_the_default(installed: Installed) -> None:
    """Without a checkout, the workflows are those in the package, with the settings that their components declare."""
    lines = dict(line.split(maxsplit=1) for line in installed.run("config").splitlines())
    folder = next(installed.venv.glob("lib/python3*/site-packages")) / BUNDLED
    assert lines["NOVAFLOW_WORKFLOWS"].split() == [str(folder), "default"]
    assert "LIBVIRT_TYPE" in lines


def test_the_graph_is_the_same_as_the_checkouts(installed: Installed) -> None:
    """All components and workflows are found in the package, and load there."""
    assert installed.run("graph", "run") == run(Path(sys.executable).with_name("novaflow"), "graph", "run", cwd=installed.folder)
