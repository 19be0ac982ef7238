"""objectstore: buckets and objects over S3's protocol, on 3333; it asks nobody who they are."""

from ipaddress import IPv4Address
from pathlib import Path

from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from novaflow.model.step import step
from workflows.services.objectstore import s3_store
from workflows.services.ports import S3_PORT
from workflows.services.wsgi import Wsgi

SOURCE = Path(s3_store.__file__)


def is_private(settings: Settings, _: Paths) -> CheckResult:
    """Look who can reach the store."""
    if IPv4Address(settings.host_ip).is_loopback:
        return CheckResult("object store", Severity.GOOD, "only this machine reaches it")
    found = f"whoever reaches {settings.host_ip}:{S3_PORT} may read, write and delete: it has no authentication"
    return CheckResult("object store", Severity.WARNING, found, "name NOVAFLOW_SERVICES without objectstore, or close the port to others")


def _folder(ctx: Context) -> Path:
    return ctx.paths.etc / "objectstore"


STORE = Wsgi(
    name="objectstore",
    summary="Buckets and objects.",
    application=f"{SOURCE.stem}:application()",
    port=S3_PORT,
    env=lambda ctx: {"PYTHONPATH": str(_folder(ctx)), "BUCKETS": str(ctx.paths.data / "objectstore" / "buckets")},
    needs=("objectstore.configure",),
)


@step(within_s=60)
async def configure(ctx: Context) -> str:
    """Write what serves objects; the objects themselves are kept from run to run."""
    await ctx.write(_folder(ctx) / SOURCE.name, SOURCE.read_text())
    await STORE.configure(ctx)
    return str(ctx.paths.data / "objectstore")


COMPONENT = Component(
    name="objectstore",
    summary="Buckets and objects, as nova.sh had them.",
    checks=(is_private,),
    parts={"run": (configure, STORE.service())},
    urls=lambda settings: {"s3": f"http://{settings.host_ip}:{S3_PORT}/"},
)
