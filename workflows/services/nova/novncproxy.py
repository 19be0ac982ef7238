"""nova-novncproxy: the consoles of servers in a browser."""

import shutil
from pathlib import Path

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.probe import HttpProbe
from novaflow.model.service import Service
from novaflow.model.step import ConcurrencyPool, Skipped, step
from workflows.platform.detect import find_distribution
from workflows.platform.system_packages import SystemPackages, UnpackedPackages
from workflows.services.nova.config import config_file
from workflows.services.nova.endpoints import CONSOLE
from workflows.services.nova.fork_server import FORK_SERVER, NATIVE_THREADS

NOVNC = UnpackedPackages(SystemPackages(debian=("novnc",)))


def _pages(ctx: Context) -> Path:
    return ctx.paths.data / "novnc"


@step(within_s=300, pool=ConcurrencyPool.NET)
async def pages(ctx: Context) -> Skipped | str:
    """Download the pages of noVNC from the distribution's package, without installing it and its dependency Node.js."""
    if _pages(ctx).exists():
        return Skipped("already unpacked")
    work, distribution = ctx.paths.data / "novnc.new", find_distribution()
    await distribution.unpack(ctx, NOVNC, work)
    distribution.unpacked_path(work, "novnc").rename(_pages(ctx))
    shutil.rmtree(work)
    return str(_pages(ctx))


ALONE = Service(
    name="nova-novncproxy",
    summary="Connects browsers to the consoles of servers.",
    command=lambda ctx: (ctx.paths.venv / "bin" / "nova-novncproxy", "--config-file", config_file(ctx), "--web", _pages(ctx)),
    env=lambda _: NATIVE_THREADS,
    ready=HttpProbe(port=CONSOLE.port, path=CONSOLE.path),
    port=CONSOLE.port,
    needs=("nova.configure", "database", "rabbitmq"),
)
PROXY = FORK_SERVER.fork(ALONE)

COMPONENT = Component(
    name="nova-novncproxy",
    summary="Consoles of servers in a browser.",
    parts={"install": (pages,), "run": (PROXY,)},
    aliases=("ajax_console_proxy",),
    declares=(CONSOLE, NOVNC),
)
