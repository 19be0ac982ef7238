"""Writes requirements/, the versions and hashes that `nova.sh` installs: `python -m tools.lock [--upgrade]`.

`runtime.txt` has what novaflow needs, `development.txt` also what tests and tools need; both include the program that builds
novaflow, so that nothing else is downloaded. They are valid for every supported version of Python and every processor. Versions in
existing files are kept where pyproject.toml allows it; `--upgrade` replaces them by the newest ones. The files name no registry.
"""

import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio

from novaflow.settings import registry_environment
from workflows.platform.python_env import UV

ROOT = Path(__file__).parents[1]
RUNTIME, DEVELOPMENT = ROOT / "requirements" / "runtime.txt", ROOT / "requirements" / "development.txt"
COMPILE = (UV, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes")
PLAIN = ("--no-annotate", "--no-header", "--no-emit-index-url", "--no-emit-find-links")


def read_project() -> Mapping[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def runtime_requirements(project: Mapping[str, Any]) -> list[str]:
    """Return what novaflow needs to be installed and to run."""
    return [*project["project"]["dependencies"], *project["build-system"]["requires"]]


def development_requirements(project: Mapping[str, Any]) -> list[str]:
    """Return what the group `dev` needs, with the extras of novaflow that it names."""
    extras = project["project"]["optional-dependencies"].values()
    return [*runtime_requirements(project), *(line for lines in extras for line in lines), *_read_group(project, "dev")]


def _read_group(project: Mapping[str, Any], name: str) -> Iterator[str]:
    for line in project["dependency-groups"][name]:
        if isinstance(line, dict):
            yield from _read_group(project, line["include-group"])
        elif not line.startswith(project["project"]["name"]):
            yield line


async def compile_all(options: Sequence[str]) -> None:
    """Compile both files; the versions of the smaller one are those of the larger one."""
    project = read_project()
    await _compile(development_requirements(project), DEVELOPMENT, *options)
    await _compile(runtime_requirements(project), RUNTIME, "--constraints", str(DEVELOPMENT), *options)


async def _compile(requirements: Sequence[str], target: Path, *options: str) -> None:
    target.parent.mkdir(exist_ok=True)
    argv = (*COMPILE, *PLAIN, *options, "-", "-o", target)
    await anyio.run_process([*argv], input="\n".join(requirements).encode(), cwd=ROOT, env=registry_environment(), stderr=None)


if __name__ == "__main__":
    anyio.run(compile_all, sys.argv[1:])
