"""The software of a stack: Python packages of its environments, and packages of the distribution."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL

from novaflow.model.component import Component
from novaflow.model.paths import Paths
from novaflow.model.software import Software
from novaflow.render.as_cyclonedx import describe_software
from tests.support.cyclonedx import read_bom
from tests.support.properties import EXAMPLES
from tests.support.terminals import require_program
from workflows.platform.apt import Apt
from workflows.platform.debian_software import find_packages
from workflows.platform.python_software import find_python_software
from workflows.platform.requirements import PythonModule

# ruff: noqa: S603, TID251 - dpkg-query is asked for the same packages

OS_RELEASE = {"ID": "debian", "VERSION_ID": "12"}
PARAGRAPH = "Package: {}\nStatus: {}\nArchitecture: amd64\nVersion: {}\nDescription: text\n Version: of the description\n"
INSTALLED = "install ok installed"


def add_package(root: Path, metadata: str, *, environment: str = "venv", direct_url: str = "") -> None:
    """Write the metadata of a package into an environment of the stack."""
    (root / environment).mkdir(parents=True, exist_ok=True)
    (root / environment / "pyvenv.cfg").touch()
    name = metadata.partition("\n")[0].removeprefix("Name: ")
    folder = root / environment / "lib/python3.11/site-packages" / f"{name}-1.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\n{metadata}\n")
    if direct_url:
        (folder / "direct_url.json").write_text(direct_url)


def find_python(root: Path, *components: Component) -> list[Software]:
    """Return the Python packages of a stack, sorted."""
    return sorted(find_python_software(components, Paths(root)), key=lambda one: (one.environment, one.name))


@pytest.mark.slow
def test_every_package_of_a_real_environment_is_listed(tmp_path: Path) -> None:
    """The environment of the tests, as that of a stack: names and versions are complete, and the document is valid."""
    (tmp_path / "venv").symlink_to(sys.prefix)
    found = find_python(tmp_path)
    expected = {(one.metadata["Name"], one.version) for one in distributions(path=[p for p in sys.path if "site-packages" in p])}
    assert {(one.name, one.version) for one in found} == expected
    assert {one.name for one in found if not one.purl} == {"novaflow"}
    assert {one.name: (one.licence, one.is_expression) for one in found}["structlog"] == ("MIT OR Apache-2.0", True)
    read_bom(json.dumps(describe_software("nova", found, version="1", created=datetime.now(UTC), serial=uuid4())))


def test_the_packages_of_each_environment_are_listed(tmp_path: Path) -> None:
    """A package in two environments is listed twice."""
    for environment in ("venv", "venv-ec2"):
        add_package(tmp_path, "Name: Oslo.DB\nVersion: 17.2+x", environment=environment)
    purl = "pkg:pypi/oslo-db@17.2%2Bx"
    assert find_python(tmp_path) == [Software("Oslo.DB", "17.2+x", "venv", purl), Software("Oslo.DB", "17.2+x", "venv-ec2", purl)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("License-Expression: MIT\nLicense: other", ("MIT", True)),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License", ("MIT License", False)),
        ("Classifier: License :: OSI Approved\nClassifier: License :: A\nClassifier: License :: B", ("A and B", False)),
        ("License: BSD\nClassifier: License :: OSI Approved", ("BSD", False)),
        (f"License: {'x' * 81}", ("", False)),
        ("License: The text\n        of a licence", ("", False)),
        ("License: UNKNOWN", ("", False)),
        ("Classifier: Topic :: System", ("", False)),
    ],
)
def test_the_licence_is_what_the_metadata_names(tmp_path: Path, fields: str, expected: tuple[str, bool]) -> None:
    """An SPDX expression, else the classifiers, else a short text."""
    add_package(tmp_path, f"Name: a\nVersion: 1\n{fields}")
    ((licence, is_expression),) = ((one.licence, one.is_expression) for one in find_python(tmp_path))
    assert (licence, is_expression) == expected


def test_a_package_of_no_registry_has_a_source(tmp_path: Path) -> None:
    """A source tree is named by its address and commit, a module of novaflow by this name; neither has a package URL."""
    tree = {"url": "https://example.org/nova", "vcs_info": {"vcs": "git", "commit_id": "1a2b"}}
    add_package(tmp_path, "Name: nova\nVersion: 1", direct_url=json.dumps(tree))
    add_package(tmp_path, "Name: other\nVersion: 1", direct_url='{"url": "file:///tree", "dir_info": {"editable": true}}')
    add_package(tmp_path, "Name: sqlite_lock\nVersion: 1")
    component = Component("database", "A database.", declares=(PythonModule("sqlite_lock", Path("sqlite_lock.py"), ""),))
    found = {one.name: (one.purl, one.source) for one in find_python(tmp_path, component)}
    assert found == {"nova": ("", "https://example.org/nova@1a2b"), "other": ("", "file:///tree"), "sqlite_lock": ("", "novaflow")}


def test_a_folder_without_metadata_is_ignored(tmp_path: Path) -> None:
    """An interrupted installation leaves it."""
    add_package(tmp_path, "Name: a\nVersion: 1")
    (tmp_path / "venv/lib/python3.11/site-packages/b-1.dist-info").mkdir()
    assert [one.name for one in find_python(tmp_path)] == ["a"]


def test_only_wanted_packages_that_are_installed_are_listed(tmp_path: Path) -> None:
    """A removed package whose configuration remains, an unpacked one, and others are not."""
    packages = {"a": INSTALLED, "held": "hold ok installed", "removed": "deinstall ok config-files", "other": INSTALLED}
    status = tmp_path / "status"
    status.write_text("\n".join(PARAGRAPH.format(name, state, "1:2.3~rc1+b4-5") for name, state in packages.items()))
    found = [*find_packages(("a", "held", "removed", "missing"), status, OS_RELEASE)]
    assert [(one.name, one.version, one.environment) for one in found] == [(name, "1:2.3~rc1+b4-5", "dpkg") for name in ("a", "held")]
    assert found[0].purl == "pkg:deb/debian/a@1:2.3~rc1%2Bb4-5?arch=amd64&distro=debian-12"


@EXAMPLES
@given(
    name=st.text("ab1+.-", min_size=2),
    version=st.tuples(st.sampled_from(["", "1:"]), st.text("09aZ.+~-", min_size=1)).map("".join),
    release=st.sampled_from([{"ID": "debian", "VERSION_ID": "13"}, {"ID": "ubuntu", "VERSION_ID": "24.04"}, {"ID": "debian"}]),
)
def test_package_urls_are_those_of_the_specification(
    tmp_path_factory: pytest.TempPathFactory, name: str, version: str, release: dict[str, str]
) -> None:
    """The library of the specification writes the same."""
    status = tmp_path_factory.getbasetemp() / "status"
    status.write_text(PARAGRAPH.format(name, INSTALLED, version))
    (found,) = find_packages((name,), status, release)
    distribution = {"distro": f"{release['ID']}-{release['VERSION_ID']}"} if "VERSION_ID" in release else {}
    assert found.purl == PackageURL("deb", release["ID"], name, version, {"arch": "amd64"} | distribution).to_string()


def test_dpkg_has_the_same_versions() -> None:
    """The list of this machine is read as dpkg reads it."""
    require_program("dpkg-query")
    names = ("bash", "dpkg", "libc6", "python3", "no-such-package")
    argv = ["dpkg-query", "--show", "--showformat", "${Package} ${Version} ${Architecture}\n", *names]
    shown = subprocess.run(argv, capture_output=True, check=False, text=True, timeout=30).stdout.splitlines()
    found = [(one.name, one.version, PackageURL.from_string(one.purl).qualifiers["arch"]) for one in Apt().find_software(names, {})]
    assert sorted(f"{name} {version} {architecture}" for name, version, architecture in found) == sorted(shown)
