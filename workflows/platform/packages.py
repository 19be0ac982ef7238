"""Debian's packages: those of all components, in one transaction."""

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import ConcurrencyPool, Skipped, step
from workflows.platform.apt import install_packages
from workflows.platform.system_packages import SystemPackages


@step(within_s=1800, pool=ConcurrencyPool.APT)
async def install(ctx: Context) -> Skipped | str:
    """Install Debian's packages in one transaction."""
    return await install_packages(
        ctx, tuple(dict.fromkeys(package for packages in ctx.declared(SystemPackages) for package in packages.debian))
    )


COMPONENT = Component(name="packages", summary="Debian's packages, in one transaction.", parts={"install": (install,)})
