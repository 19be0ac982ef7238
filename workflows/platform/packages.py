"""The system packages of all components, installed in one transaction."""

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import ConcurrencyPool, Skipped, step
from workflows.platform.detect import find_distribution
from workflows.platform.system_packages import SystemPackages


@step(within_s=1800, pool=ConcurrencyPool.APT)
async def install(ctx: Context) -> Skipped | str:
    """Install the system packages of all components in one transaction."""
    return await find_distribution().install(ctx, *ctx.declared(SystemPackages))


COMPONENT = Component(name="packages", summary="The system packages of all components.", parts={"install": (install,)})
