"""Compiles the Python packages of components into files with versions and hashes: `python -m tools.constraints [FILE.in ...]`.

Without arguments it compiles all: the ``PythonPackages`` of all components into workflows/constraints/openstack.txt, and each .in
file below workflows/ into the .txt file beside it. Versions in existing files are kept where the requirements allow it. The
``PythonRequirements`` of a component for the default environment contain only the packages that the common constraints lack.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import anyio

from novaflow.adapters.storage import find_components
from novaflow.model.component import declared
from novaflow.settings import registry_environment
from workflows.platform.python_env import CONSTRAINTS, UV, read_pins
from workflows.platform.requirements import PythonPackages, PythonRequirements

WORKFLOWS = Path(__file__).parents[1] / "workflows"
COMPILE = (UV, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-annotate", "--no-header")


def read_common() -> str:
    """Return the requirements of all components that are compiled together, one per line."""
    packages = declared(find_components(WORKFLOWS).components, PythonPackages)
    return "".join(f"{requirement}\n" for one in packages for requirement in one.requirements)


def find_common_packages(file: Path) -> tuple[str, ...]:
    """Return the packages that are left out of a compiled file: those that are installed together with it anyway."""
    added = {one.file.resolve() for one in declared(find_components(WORKFLOWS).components, PythonRequirements) if one.environment == "venv"}
    return tuple(read_pins(CONSTRAINTS.read_text())) if file.resolve() in added else ()


async def compile_all(files: Sequence[Path]) -> None:
    """Compile these .in files; all files and the common constraints if there are none."""
    if not files:
        await _compile("-", CONSTRAINTS, read_common())
    for file in files or sorted(WORKFLOWS.rglob("*.in")):
        target = file.with_suffix(".txt").absolute()
        await _compile(file.name, target, omitted=find_common_packages(target))


async def _compile(source: str, target: Path, text: str = "", *, omitted: Sequence[str] = ()) -> None:
    options = (word for name in omitted for word in ("--no-emit-package", name))
    await anyio.run_process(
        [*COMPILE, *options, source, "-o", target], input=text.encode(), cwd=target.parent, env=registry_environment(), stderr=None
    )


if __name__ == "__main__":
    anyio.run(compile_all, [Path(word) for word in sys.argv[1:]])
