"""ec2-api, the EC2 API of the cloud."""

import json
import shutil
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.kept_secret import KeptSecret
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.service import Service
from novaflow.model.step import ConcurrencyPool, Skipped, step
from workflows.infra.database.urls import Database
from workflows.platform.python_env import install_requirements
from workflows.platform.requirements import PythonRequirements
from workflows.services.ec2_api.config import EC2_CONF, config_file, config_folder, state_folder, write_config
from workflows.services.ec2_api.endpoint import ENDPOINT
from workflows.services.ec2_api.novarc import write_demo_novarc, write_novarc
from workflows.services.keystone.accounts import account, password
from workflows.services.keystone.client import Api, admin_api
from workflows.services.keystone.demo import DEMO, find_demo_project, find_demo_user
from workflows.services.objectstore.config import ACCESS_KEY, stack_keys

REQUIREMENTS = PythonRequirements(Path(__file__).with_name("requirements.txt"), environment="venv-ec2")
UNSIGNED_STATUS = HTTPStatus.BAD_REQUEST  # EC2's answer to a request without a signature


def _venv(ctx: Context) -> Path:
    return ctx.paths.root / REQUIREMENTS.environment


@step(within_s=900, pool=ConcurrencyPool.NET)
async def environment(ctx: Context) -> Skipped | str:
    """Install ec2-api and the older packages that it needs into a separate virtual environment."""
    return await install_requirements(ctx, _venv(ctx), (REQUIREMENTS.file,))


@step(within_s=60)
async def configure(ctx: Context) -> str:
    """Write ec2-api's configuration and empty its state folder."""
    shutil.rmtree(state_folder(ctx), ignore_errors=True)
    state_folder(ctx).mkdir(parents=True)
    await write_config(ctx)
    return str(config_folder(ctx))


@step(needs=("ec2-api.configure", "database", "ec2-api.environment"), pool=ConcurrencyPool.CPU, within_s=180)
async def schema(ctx: Context) -> None:
    """Migrate ec2-api's database."""
    await ctx.run(_venv(ctx) / "bin" / "ec2-api-manage", "--config-file", config_file(ctx), "db_sync")


async def _send_unsigned(ctx: Context) -> str:
    """Send a request without a signature, which the filters of the pipeline must reject."""
    response = await ctx.http("GET", ENDPOINT.local_url(ctx.settings))
    if response.status != UNSIGNED_STATUS:
        raise NotYet(f"answered an unsigned request with {response.status}, expected {UNSIGNED_STATUS}")
    return f"rejected an unsigned request, as expected ({response.status})"


API = Service(
    name="ec2-api",
    summary="EC2 API.",
    command=lambda ctx: (_venv(ctx) / "bin" / "ec2-api", "--config-file", config_file(ctx)),
    env=lambda ctx: {"PYTHONPATH": str(config_folder(ctx))},
    ready=FunctionProbe(_send_unsigned, "rejection of an unsigned request"),
    port=ENDPOINT.port,
    needs=("ec2-api.configure", "database", "nova-api", "neutron-api", "glance"),
    within_s=120,
)


@step(needs=("keystone", "keystone.demo", "certificates.authority"), within_s=60)
async def credentials(ctx: Context) -> str:
    """Create the EC2 keys of the administrator and of `demo`, unless they exist, and write novarc and demo-novarc."""
    api = admin_api(ctx)
    admin = (await api.get("identity", "/users?name=admin"))["users"][0]["id"]
    await _ensure_keys(api, admin, api.project_id, stack_keys(ctx))
    keys = {"access": ctx.secret(f"ec2-{DEMO}-access"), "secret": ctx.secret(f"ec2-{DEMO}-secret")}
    await _ensure_keys(api, await find_demo_user(api), await find_demo_project(api), keys)
    await write_demo_novarc(ctx, **keys)
    return await write_novarc(ctx, **stack_keys(ctx))


async def _ensure_keys(api: Api, user_id: str, project_id: str, keys: Mapping[str, str]) -> None:
    new = {"type": "ec2", "user_id": user_id, "project_id": project_id, "blob": json.dumps(keys)}
    existing = (await api.get("identity", f"/credentials?type=ec2&user_id={user_id}"))["credentials"]
    known = {(blob := json.loads(credential["blob"]))["access"]: (credential, blob) for credential in existing}
    if keys["access"] not in known:
        await api.post("identity", "/credentials", {"credential": new})
        return
    credential, blob = known[keys["access"]]
    if blob["secret"] != keys["secret"]:  # it was changed by `secrets rotate`
        await api.patch("identity", f"/credentials/{credential['id']}", {"credential": {"blob": new["blob"]}})


COMPONENT = Component(
    name="ec2-api",
    summary="EC2 API.",
    declares=(EC2_CONF, REQUIREMENTS, Database("ec2api"), ENDPOINT, KeptSecret(f"ec2-{DEMO}-access", ACCESS_KEY)),
    parts={
        "install": (environment,),
        "template": (configure, schema, account("ec2", ENDPOINT)),
        "rotate": (password("ec2"),),
        "run": (configure, API, credentials),
    },
    urls=lambda settings: {"ec2": ENDPOINT.url(settings)},
)
