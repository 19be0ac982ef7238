"""The system packages of all components, installed in one transaction."""

from collections.abc import Iterator

from novaflow.model.component import Component, declared
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.software import Software, SoftwareSource
from novaflow.model.step import ConcurrencyPool, Skipped, step
from novaflow.settings.os_release import read_os_release
from workflows.platform.detect import find_distribution
from workflows.platform.system_packages import SystemPackages


@step(within_s=1800, pool=ConcurrencyPool.APT)
async def install(ctx: Context) -> Skipped | str:
    """Install the system packages of all components in one transaction."""
    return await find_distribution().install(ctx, *ctx.declared(SystemPackages))


def find_software(components: tuple[Component, ...], _: Paths) -> Iterator[Software]:
    """Yield the installed ones of the system packages that the components declare."""
    distribution = find_distribution()
    return distribution.manager.find_software(distribution.resolve(*declared(components, SystemPackages)), read_os_release())


COMPONENT = Component(
    name="packages",
    summary="The system packages of all components.",
    declares=(SoftwareSource(find_software),),
    parts={"install": (install,)},
)
