"""The files with the versions and hashes of Python packages fit what components declare."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from novaflow.adapters.storage import find_components
from novaflow.model.component import declared
from tools.constraints import read_common
from workflows.platform.python_env import CONSTRAINTS, read_pins
from workflows.platform.requirements import PythonRequirements

WORKFLOWS = Path(__file__).parents[2] / "workflows"
PINS = read_pins(CONSTRAINTS.read_text())
FILES = [one for one in declared(find_components(WORKFLOWS).components, PythonRequirements) if one.environment == "venv"]


@pytest.mark.parametrize("requirement", [*map(Requirement, read_common().splitlines())], ids=str)
def test_the_common_constraints_satisfy_each_component(requirement: Requirement) -> None:
    """After a change of a requirement, ``python -m tools.constraints`` must be run."""
    assert requirement.specifier.contains(PINS[canonicalize_name(requirement.name)])


def test_requirements_of_a_component_repeat_no_common_package() -> None:
    """Both files are installed into one environment, so a file pins only the packages that the common constraints lack."""
    repeated = {f"{one.file.parent.name}: {name}" for one in FILES for name in read_pins(one.file.read_text()) if name in PINS}
    assert repeated == set()


@pytest.mark.parametrize("source", sorted(WORKFLOWS.rglob("*.in")), ids=lambda source: source.stem)
def test_each_source_has_its_compiled_file(source: Path) -> None:
    """The packages that an .in file names are pinned, with hashes, in the .txt file beside it."""
    lines = (line.partition("#")[0].strip() for line in source.read_text().splitlines())
    named = {canonicalize_name(Requirement(line).name) for line in lines if line and not line.startswith("-")}
    compiled = source.with_suffix(".txt").read_text()
    assert named <= {*read_pins(compiled)}
    assert compiled.count("--hash=sha256:") >= compiled.count("==")
