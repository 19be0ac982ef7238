"""objectstore: buckets and objects over the S3 protocol, for the EC2 keys of keystone's users."""

from http import HTTPStatus
from pathlib import Path

from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.kept_secret import KeptSecret
from novaflow.model.paths import Paths
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.settings import Settings
from novaflow.model.step import step
from workflows.platform.requirements import PythonPackages
from workflows.services.keystone.accounts import password, user
from workflows.services.objectstore import s3_server
from workflows.services.objectstore.config import ACCESS_KEY, USER, config_file, config_folder, stack_keys, write_config
from workflows.services.objectstore.endpoint import ENDPOINT
from workflows.services.objectstore.presigned import presign
from workflows.services.objectstore.settings import ObjectStoreSettings
from workflows.services.oslo.wsgi import WsgiApi

SOURCE = Path(s3_server.__file__).parent


def is_private(settings: Settings, _: Paths) -> CheckResult:
    """Check that requests to the object store have to be signed."""
    if not settings.of(ObjectStoreSettings).novaflow_s3_anonymous:
        return CheckResult("object store", Severity.GOOD, "requests have to be signed")
    place = f"{settings.host_ip}:{ENDPOINT.port}"
    found = f"no authentication: every user and machine that reaches {place} can read, write and delete objects"
    return CheckResult("object store", Severity.WARNING, found, "set NOVAFLOW_S3_ANONYMOUS=0")


async def _list_buckets(ctx: Context) -> str:
    response = await ctx.http("GET", presign("GET", ENDPOINT.local_url(ctx.settings), **stack_keys(ctx)))
    if response.status != HTTPStatus.OK:
        raise NotYet(f"answered a signed request with {response.status}, expected {HTTPStatus.OK}")
    return "listed the buckets"


API = WsgiApi(
    name="objectstore",
    summary="Buckets and objects.",
    application=f"{SOURCE.name}.application:application()",
    port=ENDPOINT.port,
    env=lambda ctx: {"PYTHONPATH": str(config_folder(ctx)), "OBJECTSTORE_CONFIG": str(config_file(ctx))},
    needs=("objectstore.configure",),
    ready=FunctionProbe(_list_buckets, "list of buckets"),
)


@step(within_s=60)
async def configure(ctx: Context) -> str:
    """Write the object store's program and configuration; the objects of earlier runs are kept."""
    for module in sorted(SOURCE.glob("*.py")):
        await ctx.write(config_folder(ctx) / SOURCE.name / module.name, module.read_text(encoding="utf-8"))
    await write_config(ctx)
    await API.configure(ctx)
    return str(ctx.paths.data / "objectstore")


ACCOUNT = user(USER)
COMPONENT = Component(
    name="objectstore",
    summary="Buckets and objects over the S3 protocol.",
    checks=(is_private,),
    parts={"template": (ACCOUNT,), "rotate": (password(USER),), "run": (configure, API.service(), ACCOUNT)},
    urls=lambda settings: {"s3": ENDPOINT.url(settings)},
    declares=(
        ENDPOINT,
        PythonPackages(("awscrt",)),  # CRC-32C and CRC-64/NVME, the checksum of today's AWS command line
        KeptSecret("ec2-access", ACCESS_KEY),
    ),
    settings=(ObjectStoreSettings,),
)
