"""objectstore: buckets and objects over the S3 protocol, without authentication."""

from ipaddress import IPv4Address
from pathlib import Path

from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from novaflow.model.step import step
from workflows.platform.requirements import PythonPackages
from workflows.services.objectstore import s3_server
from workflows.services.objectstore.endpoint import ENDPOINT
from workflows.services.oslo.wsgi import WsgiApi

SOURCE = Path(s3_server.__file__).parent


def is_private(settings: Settings, _: Paths) -> CheckResult:
    """Check that only this machine can reach the object store."""
    if IPv4Address(settings.host_ip).is_loopback:
        return CheckResult("object store", Severity.GOOD, "reachable only from this machine")
    found = f"no authentication: every client that reaches {settings.host_ip}:{ENDPOINT.port} can read, write and delete objects"
    return CheckResult("object store", Severity.WARNING, found, "leave objectstore out of NOVAFLOW_SERVICES, or block the port")


def _folder(ctx: Context) -> Path:
    return ctx.paths.etc / "objectstore"


API = WsgiApi(
    name="objectstore",
    summary="Buckets and objects.",
    application=f"{SOURCE.name}.application:application()",
    port=ENDPOINT.port,
    env=lambda ctx: {"PYTHONPATH": str(_folder(ctx)), "OBJECTSTORE": str(ctx.paths.data / "objectstore")},
    needs=("objectstore.configure",),
)


@step(within_s=60)
async def configure(ctx: Context) -> str:
    """Write the object store's program and configuration; the objects of earlier runs are kept."""
    for module in sorted(SOURCE.glob("*.py")):
        await ctx.write(_folder(ctx) / SOURCE.name / module.name, module.read_text(encoding="utf-8"))
    await API.configure(ctx)
    return str(ctx.paths.data / "objectstore")


COMPONENT = Component(
    name="objectstore",
    summary="Buckets and objects over the S3 protocol.",
    checks=(is_private,),
    parts={"run": (configure, API.service())},
    urls=lambda settings: {"s3": ENDPOINT.url(settings)},
    declares=(ENDPOINT, PythonPackages(("awscrt",))),  # CRC-32C and CRC-64/NVME, the checksum of today's AWS command line
)
