"""ec2-api's configuration."""

from pathlib import Path

from novaflow.model.context import Context
from workflows.infra.database.urls import database_url
from workflows.services.ec2_api import ec2_filters
from workflows.services.ec2_api.endpoint import ENDPOINT
from workflows.services.keystone.identity import ENDPOINT as IDENTITY
from workflows.services.keystone.service_auth import service_credentials
from workflows.services.neutron.networks import PUBLIC
from workflows.services.objectstore.endpoint import ENDPOINT as S3
from workflows.services.oslo.config_file import OsloConfig, Sections
from workflows.services.oslo.sections import locks

EC2_CONF = OsloConfig("ec2/ec2api.conf", "ec2-api", "venv-ec2")
FILTERS = Path(ec2_filters.__file__)
PIPELINE = f"""\
[pipeline:ec2api]
pipeline = faultwrap logrequest auth request compatibility executor

[filter:faultwrap]
paste.filter_factory = ec2api.api:FaultWrapper.factory

[filter:logrequest]
paste.filter_factory = ec2api.api:RequestLogging.factory

[filter:auth]
paste.filter_factory = {FILTERS.stem}:authentication

[filter:request]
paste.filter_factory = ec2api.api:Requestify.factory

[filter:compatibility]
paste.filter_factory = {FILTERS.stem}:compatibility

[app:executor]
paste.app_factory = ec2api.api:Executor.factory
"""


def config_folder(ctx: Context) -> Path:
    """Return the folder of ec2-api's configuration and filters."""
    return ctx.paths.etc / "ec2"


def config_file(ctx: Context) -> Path:
    """Return the path of ec2api.conf."""
    return EC2_CONF.path(ctx)


def state_folder(ctx: Context) -> Path:
    """Return the folder of ec2-api's temporary files."""
    return ctx.paths.data / "ec2"


async def write_config(ctx: Context) -> None:
    """Write ec2api.conf and the paste pipeline with its filters."""
    host = ctx.settings.local_ip
    options: Sections = {
        "DEFAULT": {
            "use_stderr": True,
            "my_ip": host,
            "ec2_host": host,
            "ec2_port": ENDPOINT.port,
            "ec2api_listen": host,
            "ec2api_listen_port": ENDPOINT.port,
            "ec2api_workers": 1,
            "api_paste_config": config_folder(ctx) / "api-paste.ini",
            "state_path": state_folder(ctx),
            "image_decryption_dir": state_folder(ctx),
            "keystone_ec2_tokens_url": f"{IDENTITY.local_url(ctx.settings)}/ec2tokens",
            "external_network": PUBLIC,
            "default_flavor": "m1.tiny",
            "cinder_service_type": "block-storage",
            "s3_url": S3.local_url(ctx.settings).removesuffix("/"),
        },
        "database": {"connection": database_url(ctx, "ec2api")},
        "keystone_authtoken": service_credentials(ctx, "ec2"),
    }
    await EC2_CONF.write(ctx, options, locks(ctx, "ec2"))
    await ctx.write(config_folder(ctx) / "api-paste.ini", PIPELINE)
    await ctx.write(config_folder(ctx) / FILTERS.name, FILTERS.read_text(encoding="utf-8"))
