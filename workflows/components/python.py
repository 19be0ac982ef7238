"""The stack's own Python environment: OpenStack's releases, pinned with hashes."""

from pathlib import Path

from novaflow.model.component import Component, Context, Lane, Skipped, step
from workflows.shared.releases import CONSTRAINTS, install_releases, site_packages

DEBIAN_MODULES = Path("/usr/lib/python3/dist-packages")


@step(within_s=900, lane=Lane.NET)
async def environment(ctx: Context) -> Skipped | str:
    """Install OpenStack's releases into the stack's own environment."""
    return await install_releases(ctx, ctx.paths.venv, CONSTRAINTS)


@step(needs=("python.environment", "packages.install"), within_s=30)
async def libvirt_binding(ctx: Context) -> Skipped | str:
    """Lend Debian's libvirt binding to the environment: it fits the libvirt of this machine."""
    site = await site_packages(ctx, ctx.paths.venv)
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
    parts={"branch": (environment,), "install": (environment, libvirt_binding)},
)
