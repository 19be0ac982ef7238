"""The releases a stack is made of, and how they get into an environment of their own."""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from novaflow.errors import MachineError, ProgramFailed
from novaflow.model.context import Context
from novaflow.model.step import Skipped
from novaflow.settings import registry_environment

CONSTRAINTS = Path(__file__).parent.parent / "constraints" / "openstack.txt"
EC2_CONSTRAINTS = CONSTRAINTS.with_name("ec2.txt")
SQLITE_PLUGIN = "novaflow_sqlite_lock"
SQLITE_PLUGIN_SOURCE = Path(__file__).parents[1] / "infra" / "database" / "sqlite_lock.py"
DEBIAN_PYTHON = Path("/usr/bin/python3")  # Debian's modules fit this one
DEBIAN_MODULES = Path("/usr/lib/python3/dist-packages")
# Python looks for cycles at every 700 new objects: while modules are imported all stay, and the looking is a seventh of the time.
START = "import gc; gc.set_threshold(10_000)\n"
NOTHING: Mapping[str, str] = MappingProxyType({})
UV = Path(sys.executable).with_name("uv")


async def site_packages(ctx: Context, venv: Path) -> Path:
    """Return the folder of an environment's modules."""
    return Path(await ctx.run(venv / "bin" / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'), end='')"))


def read_pins(constraints: str) -> dict[str, str]:
    """Return the version of each release that the text of a constraints file pins."""
    pinned = (line.split()[0].partition("==") for line in constraints.splitlines() if "==" in line and not line.startswith("#"))
    return {name: version for name, _, version in pinned}


async def install_releases(ctx: Context, venv: Path, constraints: Path) -> Skipped | str:
    """Make the environment hold what the constraints pin, each with its hash, and the plugin for databases in SQLite.

    Raises: MachineError, if the registry is out of reach or the disk is full.
    """
    pins, plugin = constraints.read_text(), SQLITE_PLUGIN_SOURCE.read_text()
    wanted = pins + plugin + START
    kept = venv / "novaflow-releases.txt"
    if kept.exists() and kept.read_text() == wanted:
        return Skipped("every release is installed as pinned")
    await ctx.run(UV, "venv", "--quiet", "--allow-existing", "--python", DEBIAN_PYTHON, venv)
    await install_with_uv(ctx, venv, "--require-hashes", "--requirements", constraints)
    site = await site_packages(ctx, venv)
    await _lend_plugin(ctx, site, plugin)
    await ctx.write(site / "novaflow_start.pth", START)  # Python carries it out at each start
    await ctx.write(kept, wanted)
    return f"{pins.count('==')} releases, each with its hash"


async def install_with_uv(ctx: Context, venv: Path, *words: str | Path, env: Mapping[str, str] = NOTHING) -> None:
    """Install into an environment what the words, uv's own, say.

    Raises: MachineError, if the registry is out of reach or the disk is full.
    """
    argv = (UV, "pip", "install", "--python", venv / "bin" / "python", *words)
    try:
        await ctx.run(*argv, env={**registry_environment(), **env}, on_line=lambda line: ctx.report(line.strip()) if line.strip() else None)
    except ProgramFailed as error:
        if any(sign in error.log_tail for sign in ("Failed to fetch", "error sending request", "dns error", "Connection refused")):
            message = f"Python's packages cannot be fetched; look at the network, at UV_INDEX_URL and PIP_INDEX_URL:\n{error.log_tail}"
            raise MachineError(message) from error
        if "No space left" in error.log_tail:
            message = f"the disk is full; make room and try again:\n{error.log_tail}"
            raise MachineError(message) from error
        raise


async def _lend_plugin(ctx: Context, site: Path, source: str) -> None:
    """Lay the plugin among the releases as one of them: SQLAlchemy finds plugins by what distributions say of themselves."""
    distribution = site / f"{SQLITE_PLUGIN}-1.dist-info"
    await ctx.write(site / f"{SQLITE_PLUGIN}.py", source)
    await ctx.write(distribution / "METADATA", f"Metadata-Version: 2.1\nName: {SQLITE_PLUGIN}\nVersion: 1\n")
    await ctx.write(distribution / "entry_points.txt", f"[sqlalchemy.plugins]\n{SQLITE_PLUGIN} = {SQLITE_PLUGIN}:WriteLockFirst\n")


async def lend_modules(ctx: Context, *patterns: str, proof: str) -> Skipped | str:
    """Lend Debian's Python modules, found by their files' patterns, to the stack's environment; ``proof`` is the one to import then."""
    site = await site_packages(ctx, ctx.paths.venv)
    wanted = [path for pattern in patterns for path in DEBIAN_MODULES.glob(pattern)]
    missing = [path for path in wanted if not (site / path.name).exists()]
    if wanted and not missing:
        return Skipped("it is there")
    for path in missing:
        (site / path.name).unlink(missing_ok=True)
        (site / path.name).symlink_to(path)
    await ctx.run(ctx.paths.venv / "bin" / "python", "-c", f"import {proof}")
    return f"linked {', '.join(path.name for path in missing)}"
