"""Debian's packages: those of all components, in one transaction."""

from novaflow.model.component import Component, Context, Lane, Skipped, step
from workflows.shared.apt import install_packages


@step(within_s=1800, lane=Lane.APT)
async def install(ctx: Context) -> Skipped | str:
    """Install Debian's packages in one transaction."""
    return await install_packages(ctx, tuple(dict.fromkeys(package for component in ctx.components for package in component.packages)))


COMPONENT = Component(name="packages", summary="Debian's packages, in one transaction.", parts={"install": (install,)})
