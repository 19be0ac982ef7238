"""An example of your own component: a web server that offers the files of a folder, for example to servers of the cloud.

Add the folder that contains this file to a stack: `NOVAFLOW_COMPONENTS_PATH=docs/examples/components ./nova.sh up`. The component has
a setting, a check for `doctor`, a step and a service for `run`, and an address for `status`.
"""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.endpoint import Endpoint
from novaflow.model.paths import Paths
from novaflow.model.probe import HttpProbe
from novaflow.model.service import Service
from novaflow.model.settings import Settings
from novaflow.model.step import step
from novaflow.settings import Allowed, SettingsGroup
from novaflow.settings.validators import read_path

ENDPOINT = Endpoint("downloads", port=8099, path="/")


class DownloadsSettings(SettingsGroup):
    """The settings of this component; the name of a field in upper case is the name that users write."""

    downloads_path: Annotated[Path, AfterValidator(read_path), Allowed("a folder", default="DIR/data/downloads")] = Field(
        default=Path("data/downloads"), description="Folder of the files that the web server offers."
    )


def check_folder(settings: Settings, paths: Paths) -> CheckResult:
    """Check that DOWNLOADS_PATH exists; the default folder is created by `run`."""
    folder = settings.of(DownloadsSettings).downloads_path
    if folder.is_dir() or folder.is_relative_to(paths.data):
        return CheckResult("downloads", Severity.GOOD, str(folder))
    return CheckResult("downloads", Severity.BAD, f"{folder} does not exist", "create it, or choose another DOWNLOADS_PATH")


@step(within_s=10)
async def prepare(ctx: Context) -> str:
    """Create the folder of downloads."""
    folder = ctx.settings.of(DownloadsSettings).downloads_path
    folder.mkdir(parents=True, exist_ok=True)
    return f"{len([*folder.iterdir()])} files in {folder}"


def command(ctx: Context) -> tuple[str | Path, ...]:
    """Return the command of the web server, which runs in the foreground."""
    folder = ctx.settings.of(DownloadsSettings).downloads_path
    return ("python3", "-m", "http.server", "--bind", ctx.settings.local_ip, "--directory", folder, str(ENDPOINT.port))


SERVICE = Service(
    name="downloads",
    summary="Offers the files of a folder.",
    command=command,
    ready=HttpProbe(port=ENDPOINT.port),
    port=ENDPOINT.port,
    needs=("downloads.prepare",),
)

COMPONENT = Component(
    name="downloads",
    summary="A web server for files.",
    parts={"run": (prepare, SERVICE)},
    settings=(DownloadsSettings,),
    checks=(check_folder,),
    declares=(ENDPOINT,),
    urls=lambda settings: {"downloads": ENDPOINT.url(settings)},
)
