"""The virtual environments of a stack, and how Python packages are installed into them."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from novaflow.errors import MachineError, ProgramFailed
from novaflow.model.context import Context
from novaflow.model.step import Skipped
from novaflow.settings import registry_environment
from workflows.platform.detect import find_distribution
from workflows.platform.requirements import PythonModule

CONSTRAINTS = Path(__file__).parents[1] / "constraints" / "openstack.txt"
# The garbage collector runs at every 700 new objects by default; during imports, when all objects stay, that takes a seventh of the time.
START = "import gc; gc.set_threshold(10_000)\n"
NOTHING: Mapping[str, str] = MappingProxyType({})
UV = Path(sys.executable).with_name("uv")
# What uv prints, and what it means for the user.
DOWNLOAD_FAILED = "Python packages cannot be downloaded; check the network, UV_INDEX_URL and PIP_INDEX_URL"
ERRORS = {
    "Failed to fetch": DOWNLOAD_FAILED,
    "error sending request": DOWNLOAD_FAILED,
    "dns error": DOWNLOAD_FAILED,
    "Connection refused": DOWNLOAD_FAILED,
    "No space left": "the disk is full; free disk space and try again",
}


async def site_packages(ctx: Context, venv: Path) -> Path:
    """Return the folder of the modules of a virtual environment."""
    return Path(await ctx.run(venv / "bin" / "python", "-P", "-c", "import sysconfig; print(sysconfig.get_path('purelib'), end='')"))


def read_pins(constraints: str) -> dict[str, str]:
    """Return the version of each package that the text of a requirements file pins."""
    pinned = (line.split()[0].partition("==") for line in constraints.splitlines() if "==" in line and not line.startswith("#"))
    return {name: version for name, _, version in pinned}


async def install_requirements(ctx: Context, venv: Path, files: Iterable[Path]) -> Skipped | str:
    """Create a virtual environment with the packages of these requirements files and the modules that components declare.

    Each package is checked against its hash.

    Raises: MachineError, if the registry is unreachable or the disk is full.
    """
    files, modules = tuple(files), ctx.declared(PythonModule)
    pins = "".join(file.read_text(encoding="utf-8") for file in files)
    wanted = pins + "".join(module.source.read_text(encoding="utf-8") + module.entry_points for module in modules) + START
    installed = venv / "novaflow-requirements.txt"
    if installed.exists() and installed.read_text(encoding="utf-8") == wanted:
        return Skipped("all packages are installed in the pinned versions")
    await ctx.run(UV, "venv", "--quiet", "--allow-existing", "--python", find_distribution().path("python"), venv)
    await install_with_uv(ctx, venv, "--require-hashes", *(word for file in files for word in ("--requirements", file)))
    site = await site_packages(ctx, venv)
    for module in modules:
        await _install_module(ctx, site, module)
    await ctx.write(site / "novaflow_start.pth", START)  # Python executes it at every start
    await ctx.write(installed, wanted)
    return f"{len(read_pins(pins))} packages, each verified by its hash"


async def install_with_uv(ctx: Context, venv: Path, *words: str | Path, env: Mapping[str, str] = NOTHING) -> None:
    """Run ``uv pip install`` with these arguments in a virtual environment.

    Raises: MachineError, if the registry is unreachable or the disk is full.
    """
    argv = (UV, "pip", "install", "--python", venv / "bin" / "python", *words)
    try:
        await ctx.run(*argv, env={**registry_environment(), **env}, on_line=lambda line: ctx.report(line.strip()) if line.strip() else None)
    except ProgramFailed as error:
        for printed, message in ERRORS.items():
            if printed in error.log_tail:
                raise MachineError(f"{message}:\n{error.log_tail}") from error
        raise


async def _install_module(ctx: Context, site: Path, module: PythonModule) -> None:
    """Write the module with the metadata of a distribution, in which other packages look for entry points."""
    distribution = site / f"{module.name}-1.dist-info"
    await ctx.write(site / f"{module.name}.py", module.source.read_text(encoding="utf-8"))
    await ctx.write(distribution / "METADATA", f"Metadata-Version: 2.1\nName: {module.name}\nVersion: 1\n")
    await ctx.write(distribution / "entry_points.txt", module.entry_points)


async def link_modules(ctx: Context, *patterns: str, proof: str) -> Skipped | str:
    """Link Python modules of system packages into the stack's environment, and import ``proof``, one of them.

    ``patterns`` match the names of their files and folders.
    """
    site = await site_packages(ctx, ctx.paths.venv)
    wanted = [path for pattern in patterns for path in find_distribution().path("python-modules").glob(pattern)]
    missing = [path for path in wanted if not (site / path.name).exists()]
    if wanted and not missing:
        return Skipped("already linked")
    for path in missing:
        (site / path.name).unlink(missing_ok=True)
        (site / path.name).symlink_to(path)
    await ctx.run(ctx.paths.venv / "bin" / "python", "-P", "-c", f"import {proof}")
    return f"linked {', '.join(path.name for path in missing)}"
