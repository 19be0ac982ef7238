"""Debian's packages: those of all components, in one transaction."""

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import ConcurrencyPool, Skipped, step
from workflows.platform.apt import install_packages


@step(within_s=1800, pool=ConcurrencyPool.APT)
async def install(ctx: Context) -> Skipped | str:
    """Install Debian's packages in one transaction."""
    return await install_packages(ctx, tuple(dict.fromkeys(package for component in ctx.components for package in component.packages)))


COMPONENT = Component(name="packages", summary="Debian's packages, in one transaction.", parts={"install": (install,)})
