"""ec2-api: the cloud as Amazon's tools see it, on 8773."""

import json
import shutil
from pathlib import Path

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.service import Service
from novaflow.model.step import ConcurrencyPool, Skipped, step
from workflows.infra.database.urls import Database, database_url
from workflows.platform.python_env import install_requirements
from workflows.platform.requirements import PythonRequirements
from workflows.platform.system_packages import SystemPackages
from workflows.services.ec2_api import ec2_filters
from workflows.services.ec2_api.novarc import write_novarc
from workflows.services.ini import Sections, render_ini
from workflows.services.openstack import Api, account, identity_url, locks, service_credentials
from workflows.services.ports import EC2_PORT, S3_PORT

REQUIREMENTS = PythonRequirements(Path(__file__).with_name("requirements.txt"), environment="venv-ec2")
FILTERS = Path(ec2_filters.__file__)
PIPELINE = f"""\
[pipeline:ec2api]
pipeline = faultwrap logrequest auth request today executor

[filter:faultwrap]
paste.filter_factory = ec2api.api:FaultWrapper.factory

[filter:logrequest]
paste.filter_factory = ec2api.api:RequestLogging.factory

[filter:auth]
paste.filter_factory = {FILTERS.stem}:authentication

[filter:request]
paste.filter_factory = ec2api.api:Requestify.factory

[filter:today]
paste.filter_factory = {FILTERS.stem}:today

[app:executor]
paste.app_factory = ec2api.api:Executor.factory
"""
REFUSAL = 400  # to a request without a signature: its first filters are there


def _venv(ctx: Context) -> Path:
    return ctx.paths.root / REQUIREMENTS.environment


def _folder(ctx: Context) -> Path:
    return ctx.paths.etc / "ec2"


@step(within_s=900, pool=ConcurrencyPool.NET)
async def environment(ctx: Context) -> Skipped | str:
    """Install ec2-api and the older packages that it needs into a separate virtual environment."""
    return await install_requirements(ctx, _venv(ctx), (REQUIREMENTS.file,))


@step(within_s=60)
async def configure(ctx: Context) -> str:
    """Write ec2-api's configuration."""
    host, state = ctx.settings.host_ip, ctx.paths.data / "ec2"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    options: Sections = {
        "DEFAULT": {
            "use_stderr": True,
            "my_ip": host,
            "ec2_host": host,
            "ec2_port": EC2_PORT,
            "ec2api_listen": host,
            "ec2api_listen_port": EC2_PORT,
            "ec2api_workers": 1,
            "api_paste_config": _folder(ctx) / "api-paste.ini",
            "state_path": state,
            "image_decryption_dir": state,
            "keystone_ec2_tokens_url": f"{identity_url(ctx)}/v3/ec2tokens",
            "external_network": "public",
            "default_flavor": "m1.tiny",
            "cinder_service_type": "block-storage",
            "s3_url": f"http://{host}:{S3_PORT}",
        },
        "database": {"connection": database_url(ctx, "ec2api")},
        "keystone_authtoken": service_credentials(ctx, "ec2"),
    }
    await ctx.write(_folder(ctx) / "ec2api.conf", render_ini(options, locks(ctx, "ec2")), 0o600)
    await ctx.write(_folder(ctx) / "api-paste.ini", PIPELINE)
    await ctx.write(_folder(ctx) / FILTERS.name, FILTERS.read_text())
    return str(_folder(ctx))


@step(needs=("ec2-api.configure", "database", "ec2-api.environment"), pool=ConcurrencyPool.CPU, within_s=180)
async def schema(ctx: Context) -> None:
    """Bring ec2-api's tables to head."""
    await ctx.run(_venv(ctx) / "bin" / "ec2-api-manage", "--config-file", _folder(ctx) / "ec2api.conf", "db_sync")


async def _ask(ctx: Context) -> str:
    """Ask without a signature, and expect the refusal that EC2 has for that."""
    answer = await ctx.http("GET", f"http://{ctx.settings.host_ip}:{EC2_PORT}/")
    if answer.status != REFUSAL:
        message = f"answered an unsigned request with {answer.status}, not {REFUSAL}"
        raise NotYet(message)
    return f"refused an unsigned request with {answer.status}"


EC2_API = Service(
    name="ec2-api",
    summary="The cloud as Amazon's tools see it.",
    command=lambda ctx: (_venv(ctx) / "bin" / "ec2-api", "--config-file", _folder(ctx) / "ec2api.conf"),
    env=lambda ctx: {"PYTHONPATH": str(_folder(ctx))},
    ready=FunctionProbe(_ask, "refuses an unsigned request"),
    port=EC2_PORT,
    needs=("ec2-api.configure", "database", "nova-api", "neutron-api", "glance"),
    within_s=120,
)


@step(needs=("keystone",), within_s=60)
async def credentials(ctx: Context) -> str:
    """Give the administrator keys for EC2, and write novarc with all that belongs to it."""
    api = Api.logged_in(ctx)
    user = (await api.call("GET", api.identity("/users?name=admin")))["users"][0]["id"]
    keys = {"access": ctx.secret("ec2-access"), "secret": ctx.secret("ec2-secret")}
    new = {"type": "ec2", "user_id": user, "project_id": api.project_id, "blob": json.dumps(keys)}
    await api.call("POST", api.identity("/credentials"), {"credential": new})
    return await write_novarc(ctx, **keys)


COMPONENT = Component(
    name="ec2-api",
    summary="The cloud as Amazon's tools see it.",
    declares=(SystemPackages(debian=("openssl",)), REQUIREMENTS, Database("ec2api")),
    parts={
        "install": (environment,),
        "template": (configure, schema, account("ec2", "ec2", f":{EC2_PORT}/")),
        "run": (configure, EC2_API, credentials),
    },
    urls=lambda settings: {"ec2": f"http://{settings.host_ip}:{EC2_PORT}/"},
)
