"""pyproject.toml declares each distribution that the code imports, and no other."""

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import files, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytestmark = pytest.mark.slow  # parses all files

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OWN_PACKAGES = {"docs", "novaflow", "tests", "tools", "workflows"}
OTHER_ENVIRONMENTS = {
    "check_options.py": "runs in the environments that the stack creates for services",
    "checksums.py": "imported by the object store, in the environment that the stack creates for OpenStack",
    "fake_compute.py": "runs in the environment that the stack creates for OpenStack",
    "ec2_filters.py": "imported by ec2-api, in an environment that the stack creates for it",
    "sqlite_lock.py": "imported by SQLAlchemy, in the environment that the stack creates for OpenStack",
}
NOT_IMPORTED = {"uv": "a program that the stack runs"}


def names(requirements: Iterable[str]) -> set[str]:
    """Return the normalized names of the distributions that the requirements ask for."""
    return {canonicalize_name(Requirement(line).name) for line in requirements}


CORE = names(PROJECT["project"]["dependencies"])
OPTIONAL = {extra: names(lines) for extra, lines in PROJECT["project"]["optional-dependencies"].items()}
EXTRAS = set().union(*OPTIONAL.values())
PLACES = {"telemetry": "novaflow/adapters/telemetry/", "testing": "novaflow/testing.py"}
DEV = names(line for line in PROJECT["dependency-groups"]["dev"] if isinstance(line, str))


def find_modules(source: str) -> Iterator[str]:
    """Yield the name of each module that the source imports with an absolute name, functions included."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                yield from (f"{module}.{alias.name}" for alias in node.names)


def find_distribution(module: str, providers: Mapping[str, list[str]]) -> str:
    """Return the normalized name of the distribution that holds the module; the module itself if no distribution does."""
    found = set(providers.get(module.partition(".")[0], ()))
    if len(found) == 1:
        return canonicalize_name(found.pop())
    parts = module.split(".")
    paths = tuple("/".join(parts[:length]) + end for length in range(2, len(parts) + 1) for end in ("/__init__.py", ".py"))
    return next((canonicalize_name(name) for name in sorted(found) if set(paths) & set(map(str, files(name) or ()))), module)


def find_imported(*folders: str) -> dict[str, list[str]]:
    """Return the distributions that the folders' modules import, each with the files that import it."""
    providers, imported = packages_distributions(), dict[str, list[str]]()
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    for path in (path for path in paths if path.name not in OTHER_ENVIRONMENTS):
        for module in find_modules(path.read_text()):
            if module.partition(".")[0] not in OWN_PACKAGES | sys.stdlib_module_names:
                imported.setdefault(find_distribution(module, providers), []).append(str(path.relative_to(ROOT)))
    return imported


@pytest.fixture(scope="module")
def imported() -> Mapping[str, list[str]]:
    """Return the distributions that novaflow imports, each with the files that import it."""
    return find_imported("novaflow", "workflows")


def test_every_import_is_declared(imported: Mapping[str, list[str]]) -> None:
    """What novaflow imports is a dependency of its own, even if another dependency brings it along."""
    assert {name: paths for name, paths in imported.items() if name not in CORE | EXTRAS} == {}


def test_every_dependency_is_used(imported: Mapping[str, list[str]]) -> None:
    """Each declared dependency is imported, or is a program that is run."""
    assert set(imported) | set(NOT_IMPORTED) == CORE | EXTRAS


@pytest.mark.parametrize("extra", OPTIONAL)
def test_an_extra_is_imported_in_its_own_place(imported: Mapping[str, list[str]], extra: str) -> None:
    """Without the extra, everything else works."""
    paths = [path for name in OPTIONAL[extra] for path in imported[name]]
    assert [path for path in paths if not path.startswith(PLACES[extra])] == []


def test_every_import_of_the_tests_is_declared() -> None:
    """What the tests, the tools and the examples import is a dependency, in the extra or in the group `dev`, which installs the extra."""
    found = find_imported("tests", "tools", "docs")
    assert {name: paths for name, paths in found.items() if name not in CORE | EXTRAS | DEV} == {}
    assert "novaflow[telemetry]" in PROJECT["dependency-groups"]["dev"]


@pytest.mark.parametrize("name", OTHER_ENVIRONMENTS)
def test_a_file_for_another_environment_exists(name: str) -> None:
    """The list of exceptions holds no file that was renamed or deleted."""
    assert len([*(ROOT / "workflows").rglob(name)]) == 1


def test_a_module_of_a_shared_namespace_is_found() -> None:
    """Distributions that share a top-level package are distinguished by their files."""
    providers = packages_distributions()
    assert find_distribution("opentelemetry.trace.Link", providers) == "opentelemetry-api"
    assert find_distribution("opentelemetry.sdk.trace.TracerProvider", providers) == "opentelemetry-sdk"
    assert find_distribution("no_such_package.module", providers) == "no_such_package.module"
