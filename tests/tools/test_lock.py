"""The files in requirements/ fit pyproject.toml, and contain nothing but versions and hashes."""

import platform
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from tools.audit import find_locks
from tools.lock import DEVELOPMENT, ROOT, RUNTIME, development_requirements, read_project, runtime_requirements

LINE = re.compile(r"[a-z0-9][a-z0-9.-]*(\[[a-z,]+\])?==[0-9][a-z0-9.+!]*( ; [^:/]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
PROJECT = read_project()
RELEASES = ("3.11.2", "3.12.3", "3.13.5")  # of Debian 12, Ubuntu 24.04 and Debian 13
NOT_LOCKED = {"novaflow"}


def read_lock(file: Path, python: str, machine: str = "x86_64") -> Mapping[NormalizedName, str]:
    """Return the versions of the packages that the file has for a version of Python."""
    marks = {
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "platform_machine": machine,
        "sys_platform": "linux",
        "os_name": "posix",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    lines = (line.removesuffix(" \\") for line in file.read_text().splitlines() if not line.startswith(" "))
    requirements = [one for one in map(Requirement, lines) if one.marker is None or one.marker.evaluate(marks)]
    pins = {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in requirements}
    assert len(pins) == len(requirements), f"{file.name} has two versions of a package for Python {python}"
    return pins


def find_unmet(requirements: list[str], pins: Mapping[NormalizedName, str]) -> Iterator[str]:
    """Yield the requirements that no pin satisfies."""
    for line in requirements:
        wanted = Requirement(line)
        version = pins.get(canonicalize_name(wanted.name))
        if version is None or not wanted.specifier.contains(version, prereleases=True):
            yield f"{line}: {version} is locked"


@pytest.mark.parametrize("file", find_locks(), ids=lambda file: str(file.relative_to(ROOT)))
def test_a_lock_has_versions_and_hashes_and_nothing_else(file: Path) -> None:
    """Each line is a version or a hash, each version has a hash, and no line has the address of a registry."""
    lines = file.read_text().splitlines()
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert [line for line, following in zip(lines, [*lines[1:], ""], strict=True) if "==" in line and "--hash" not in following] == []


@pytest.mark.parametrize(
    "line", ["--index-url https://registry.example/simple", "a @ https://a.example/a.whl", "a==1", "a>=1 \\", "# note"]
)
def test_another_line_is_found(line: str) -> None:
    """Addresses, open versions, versions without a hash and comments are refused."""
    assert not LINE.fullmatch(line)


@pytest.mark.parametrize("python", RELEASES)
def test_the_locks_satisfy_the_project(python: str) -> None:
    """After a change of pyproject.toml, `nox -s lock` must be run."""
    assert [*find_unmet(runtime_requirements(PROJECT), read_lock(RUNTIME, python))] == []
    assert [*find_unmet(development_requirements(PROJECT), read_lock(DEVELOPMENT, python))] == []


def test_an_unmet_requirement_is_found() -> None:
    """A package that is missing and a version that is too old are reported."""
    assert [*find_unmet(["a>=2", "b", "c"], {canonicalize_name(name): "1" for name in "ac"})] == ["a>=2: 1 is locked", "b: None is locked"]


@pytest.mark.parametrize("python", RELEASES)
def test_tests_run_with_what_users_have(python: str) -> None:
    """Every version of the runtime is that of the development environment."""
    assert read_lock(RUNTIME, python).items() <= read_lock(DEVELOPMENT, python).items()


@pytest.mark.slow  # reads the metadata of all packages
@pytest.mark.parametrize("file", [RUNTIME, DEVELOPMENT], ids=lambda file: str(file.name))
def test_dependencies_of_dependencies_are_locked(file: Path) -> None:
    """What each locked package requires on this Python is locked, too, so that a package index can add nothing."""
    installed = {canonicalize_name(one.metadata["Name"]): one for one in distributions()}
    pins = read_lock(file, platform.python_version(), platform.machine())
    required = [Requirement(line) for name in pins if name in installed for line in installed[name].requires or ()]
    needed = {canonicalize_name(one.name) for one in required if one.marker is None or one.marker.evaluate({"extra": ""})}
    assert needed - set(pins) == set()


@pytest.mark.slow  # reads the metadata of all packages
def test_this_environment_is_the_locked_one() -> None:
    """`nova.sh test` installed these versions; any other package would be tested and then not be there for users."""
    pins = read_lock(DEVELOPMENT, platform.python_version(), platform.machine())
    found = {canonicalize_name(one.metadata["Name"]): one.version for one in distributions()}
    differing = {name: version for name, version in found.items() if name not in NOT_LOCKED and pins.get(name) != version}
    assert differing == {}
