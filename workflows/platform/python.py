"""The stack's own Python environment: OpenStack's releases, pinned with hashes."""

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import ConcurrencyPool, Skipped, step
from workflows.platform.python_env import CONSTRAINTS, install_releases, lend_modules
from workflows.platform.system_packages import SystemPackages


@step(within_s=900, pool=ConcurrencyPool.NET)
async def environment(ctx: Context) -> Skipped | str:
    """Install OpenStack's releases into the stack's own environment."""
    return await install_releases(ctx, ctx.paths.venv, CONSTRAINTS)


@step(needs=("python.environment", "packages.install"), within_s=30)
async def libvirt_binding(ctx: Context) -> Skipped | str:
    """Lend Debian's libvirt binding to the environment: it fits the libvirt of this machine."""
    return await lend_modules(ctx, "libvirt.py", "libvirtmod*.so", proof="libvirt")


COMPONENT = Component(
    name="python",
    summary="OpenStack's releases in an environment of the stack's own.",
    declares=(SystemPackages(debian=("python3-libvirt",)),),
    parts={"branch": (environment,), "install": (environment, libvirt_binding)},
)
