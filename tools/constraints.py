"""Compiles the Python packages of components into files with versions and hashes: `python -m tools.constraints [FILE.in ...]`.

Without arguments it compiles all: the ``PythonPackages`` of all components into workflows/constraints/openstack.txt, and each .in
file below workflows/ into the .txt file beside it. Versions in existing files are kept where the requirements allow it.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import anyio

from novaflow.adapters.storage.discovery import find_components
from novaflow.model.component import declared
from novaflow.settings import registry_environment
from workflows.platform.python_env import CONSTRAINTS, UV
from workflows.platform.requirements import PythonPackages

WORKFLOWS = Path(__file__).parents[1] / "workflows"
COMPILE = (UV, "pip", "compile", "--quiet", "--python-version", "3.11", "--generate-hashes", "--no-annotate", "--no-header")


def read_common() -> str:
    """Return the requirements of all components that are compiled together, one per line."""
    packages = declared(find_components(WORKFLOWS).components, PythonPackages)
    return "".join(f"{requirement}\n" for one in packages for requirement in one.requirements)


async def compile_all(files: Sequence[Path]) -> None:
    """Compile these .in files; all files and the common constraints if there are none."""
    if not files:
        await _compile("-", CONSTRAINTS, read_common())
    for file in files or sorted(WORKFLOWS.rglob("*.in")):
        await _compile(file.name, file.with_suffix(".txt").absolute())


async def _compile(source: str, target: Path, text: str = "") -> None:
    await anyio.run_process(
        [*COMPILE, source, "-o", target], input=text.encode(), cwd=target.parent, env=registry_environment(), stderr=None
    )


if __name__ == "__main__":
    anyio.run(compile_all, [Path(word) for word in sys.argv[1:]])
