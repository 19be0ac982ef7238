"""The stack's own Python environment: OpenStack's releases, pinned with hashes."""

import sys
from pathlib import Path

from novaflow.errors import MachineError, ProgramFailed
from novaflow.model.component import Component, Context, Lane, Skipped, step
from novaflow.settings import registry_environment
from workflows.shared.releases import CONSTRAINTS

DEBIAN_PYTHON = Path("/usr/bin/python3")  # Debian's libvirt binding fits this one
DEBIAN_MODULES = Path("/usr/lib/python3/dist-packages")
UV = Path(sys.executable).with_name("uv")


@step(within_s=900, lane=Lane.NET)
async def environment(ctx: Context) -> Skipped | str:
    """Install OpenStack's releases into the stack's own environment."""
    wanted = CONSTRAINTS.read_text()
    kept = ctx.paths.venv / "novaflow-constraints.txt"
    if kept.exists() and kept.read_text() == wanted:
        return Skipped("every release is installed as pinned")
    await ctx.run(UV, "venv", "--quiet", "--allow-existing", "--python", DEBIAN_PYTHON, ctx.paths.venv)
    try:
        await ctx.run(
            UV,
            "pip",
            "install",
            "--python",
            ctx.paths.venv / "bin" / "python",
            "--require-hashes",
            "--requirements",
            CONSTRAINTS,
            env=registry_environment(),
            on_line=lambda line: ctx.report(line.strip()) if line.strip() else None,
        )
    except ProgramFailed as error:
        if any(sign in error.last_lines for sign in ("Failed to fetch", "error sending request", "dns error", "Connection refused")):
            message = f"Python's packages cannot be fetched; look at the network, at UV_INDEX_URL and PIP_INDEX_URL:\n{error.last_lines}"
            raise MachineError(message) from error
        if "No space left" in error.last_lines:
            message = f"the disk is full; make room and run `novaflow install` again:\n{error.last_lines}"
            raise MachineError(message) from error
        raise
    await ctx.write(kept, wanted)
    return f"{wanted.count('==')} releases, each with its hash"


@step(needs=("python.environment", "packages.install"), within_s=30)
async def libvirt_binding(ctx: Context) -> Skipped | str:
    """Lend Debian's libvirt binding to the environment: it fits the libvirt of this machine."""
    site = Path(await ctx.run(ctx.paths.venv / "bin" / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'), end='')"))
    wanted = [path for pattern in ("libvirt.py", "libvirtmod*.so") for path in DEBIAN_MODULES.glob(pattern)]
    missing = [path for path in wanted if not (site / path.name).exists()]
    if wanted and not missing:
        return Skipped("it is there")
    for path in missing:
        (site / path.name).unlink(missing_ok=True)
        (site / path.name).symlink_to(path)
    await ctx.run(ctx.paths.venv / "bin" / "python", "-c", "import libvirt")
    return f"linked {', '.join(path.name for path in missing)}"


COMPONENT = Component(
    name="python",
    summary="OpenStack's releases in an environment of the stack's own.",
    packages=("python3-libvirt",),
    parts={"install": (environment, libvirt_binding)},
)
