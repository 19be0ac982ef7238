"""A package index, or what is between it and this machine, delivers another file than the one that was locked."""

# ruff: noqa: S603, TID251 - tests start nova.sh

import base64
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]  # creates virtual environments

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
# A package with a program `uv`, which starts the one of the tests' environment: the real package has 60 MB.
START_UV = f"#!/bin/sh\nexec '{UV}' \"$@\"\n"
PRINT = "def main() -> None:\n    print('it runs')\n"
BACKEND = """
from pathlib import Path

INFO = {"novaflow-1.dist-info/METADATA": "Metadata-Version: 2.1\\nName: novaflow\\nVersion: 1\\n",
        "novaflow-1.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        "novaflow-1.dist-info/entry_points.txt": "[console_scripts]\\nnovaflow = used:main\\n"}


def build_editable(folder, config_settings=None, metadata_directory=None):
    from zipfile import ZipFile

    with ZipFile(Path(folder, "novaflow-1-py3-none-any.whl"), "w") as wheel:
        for name, text in INFO.items():
            wheel.writestr(name, text)
        wheel.writestr("novaflow-1.dist-info/RECORD", "".join(f"{name},,\\n" for name in [*INFO, "novaflow-1.dist-info/RECORD"]))
    return "novaflow-1-py3-none-any.whl"
"""
PROJECT = '[build-system]\nrequires = ["backend"]\nbuild-backend = "backend"\n[project]\nname = "novaflow"\nversion = "1"\n'


def write_wheel(folder: Path, name: str, files: Mapping[str, str]) -> str:
    """Write version 1 of a package that holds these files into a package index, and return its hash."""
    path, info = folder / name / f"{name}-1-py3-none-any.whl", f"{name}-1.dist-info"
    path.parent.mkdir()
    (path.parent / "index.html").write_text(f'<a href="{path.name}">{path.name}</a>')
    metadata = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with ZipFile(path, "w") as wheel:
        record = ""
        for file, text in {**files, **metadata}.items():
            entry = ZipInfo(file)
            entry.external_attr = 0o100755 << 16  # pip keeps the mode of programs
            wheel.writestr(entry, text)
            digest = base64.urlsafe_b64encode(sha256(text.encode()).digest()).decode().rstrip("=")
            record += f"{file},sha256={digest},{len(text)}\n"
        wheel.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return sha256(path.read_bytes()).hexdigest()


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout and a package index with its requirements, in one folder."""

    folder: Path
    hashes: Mapping[str, str]

    def lock(self, **changed: str) -> None:
        """Write the hashes of the packages into the file that nova.sh installs; ``changed`` maps a package to another hash."""
        lines = (f"{name}==1 \\\n    --hash=sha256:{value}\n" for name, value in {**self.hashes, **changed}.items())
        (self.folder / "requirements" / "runtime.txt").write_text("".join(lines))

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run nova.sh with the package index."""
        home = self.folder.parent
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(home),
            "PIP_INDEX_URL": (home / "packages").as_uri(),
            "UV_CACHE_DIR": str(home / "cache"),
        }
        argv = ["sh", str(self.folder / "nova.sh"), "up"]
        return subprocess.run(argv, env=environment, capture_output=True, check=False, cwd="/", text=True, timeout=150)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Return a checkout with nova.sh, and a package index with uv, used and backend."""
    if not os.access("/usr/bin/python3", os.X_OK):
        pytest.skip("nova.sh runs Debian's Python, which is missing")
    folder, packages = tmp_path / "checkout", tmp_path / "packages"
    (folder / "requirements").mkdir(parents=True)
    packages.mkdir()
    (folder / "nova.sh").write_text((ROOT / "nova.sh").read_text())
    (folder / "pyproject.toml").write_text(PROJECT)
    script = {"uv-1.data/scripts/uv": START_UV}
    contents = {"uv": script, "used": {"used.py": PRINT}, "backend": {"backend.py": BACKEND}}
    return Checkout(folder, {name: write_wheel(packages, name, files) for name, files in contents.items()})


def test_packages_with_the_locked_hashes_are_installed(checkout: Checkout) -> None:
    """The program starts, and the build of novaflow itself downloads nothing."""
    checkout.lock()
    done = checkout.run()
    assert (done.returncode, done.stdout) == (0, "it runs\n"), done.stderr


@pytest.mark.parametrize(("name", "program"), [("uv", "pip cannot install uv"), ("used", "uv cannot install the requirements")])
def test_a_package_with_another_hash_is_refused(checkout: Checkout, name: str, program: str) -> None:
    """The message names the package and both hashes; nothing of it is installed, also not at the next call."""
    checkout.lock(**{name: "0" * 64})
    for _ in range(2):
        done = checkout.run()
        assert done.returncode == 5
        assert f"{program}" in done.stderr
        assert "a download is not the file whose hash is in requirements/, and was not installed" in done.stderr
        assert {f"{name}==1", "0" * 64, checkout.hashes[name]} <= set(done.stderr.replace("`", " ").replace(":", " ").split())
        assert [*checkout.folder.glob(f".venv/lib/python3*/site-packages/{name}*")] == []


def test_a_package_that_is_not_locked_is_refused(checkout: Checkout) -> None:
    """A file without the hash of a package installs nothing."""
    (checkout.folder / "requirements" / "runtime.txt").write_text(f"uv==1 \\\n    --hash=sha256:{checkout.hashes['uv']}\nused==1\n")
    done = checkout.run()
    assert done.returncode == 5
    assert "uv cannot install the requirements" in done.stderr
    assert [*checkout.folder.glob(".venv/lib/python3*/site-packages/used*")] == []
