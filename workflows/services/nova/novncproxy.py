"""nova-novncproxy: servers' screens in a browser, on 6080."""

import shutil
from pathlib import Path

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.probe import HttpProbe
from novaflow.model.service import Service
from novaflow.model.step import ConcurrencyPool, Skipped, step
from workflows.platform.detect import find_distribution
from workflows.platform.system_packages import SystemPackages
from workflows.services.nova.config import CONSOLE_PAGE, CONSOLE_PORT, config_file

NOVNC = SystemPackages(debian=("novnc",))


def _pages(ctx: Context) -> Path:
    return ctx.paths.data / "novnc"


@step(within_s=300, pool=ConcurrencyPool.NET)
async def pages(ctx: Context) -> Skipped | str:
    """Download the pages of noVNC from the distribution's package, without installing it and its dependency node.js."""
    if _pages(ctx).exists():
        return Skipped("already unpacked")
    work, distribution = ctx.paths.data / "novnc.new", find_distribution()
    await distribution.unpack(ctx, NOVNC, work)
    distribution.unpacked_path(work, "novnc").rename(_pages(ctx))
    shutil.rmtree(work)
    return str(_pages(ctx))


PROXY = Service(
    name="nova-novncproxy",
    summary="Shows servers' screens in a browser.",
    command=lambda ctx: (ctx.paths.venv / "bin" / "nova-novncproxy", "--config-file", config_file(ctx), "--web", _pages(ctx)),
    env=lambda _: {"OS_NOVA_DISABLE_EVENTLET_PATCHING": "true"},
    ready=HttpProbe(port=CONSOLE_PORT, path=f"/{CONSOLE_PAGE}"),
    port=CONSOLE_PORT,
    needs=("nova.configure", "database", "rabbitmq"),
)

COMPONENT = Component(
    name="nova-novncproxy",
    summary="Servers' screens in a browser.",
    parts={"install": (pages,), "run": (PROXY,)},
    aliases=("ajax_console_proxy",),
)
