"""heat, the orchestration service; it runs only if NOVAFLOW_SERVICES names it."""

from dataclasses import replace
from pathlib import Path

import psutil

from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.endpoint import Endpoint
from novaflow.model.kept_secret import KeptSecret
from novaflow.model.paths import Paths
from novaflow.model.service import Service
from novaflow.model.settings import Settings
from novaflow.model.step import ConcurrencyPool, step
from workflows.infra.database.urls import Database
from workflows.infra.rabbitmq.urls import RpcQueue
from workflows.platform.requirements import PythonRequirements
from workflows.services.heat.config import HEAT_CONF, STACK_DOMAIN, STACK_DOMAIN_ADMIN, config_file, domain_admin_password, write_config
from workflows.services.keystone.accounts import account, password
from workflows.services.keystone.client import admin_api
from workflows.services.keystone.identity import PROJECT_ID
from workflows.services.oslo.rpc_ping import rpc_probe
from workflows.services.oslo.wsgi import WsgiApi

ENDPOINT = Endpoint("orchestration", port=8004, path=f"/v1/{PROJECT_ID}")
STACK_USER_ROLE = "heat_stack_user"  # heat's default for the users that stacks create
MEMORY_MIB = 450  # resident memory of the API and the engine

API = WsgiApi(
    name="heat-api",
    summary="Orchestration API.",
    application="heat.wsgi.api:application",
    port=ENDPOINT.port,
    # It takes the path of its file only from arguments, which gunicorn would parse; otherwise it searches its home folder.
    env=lambda ctx: {"HOME": str(ctx.paths.etc / "heat")},
    needs=("heat.configure", "database", "rabbitmq"),
)

ENGINE = Service(
    name="heat-engine",
    summary="Creates, updates and deletes the resources of stacks.",
    command=lambda ctx: (ctx.paths.venv / "bin" / "heat-engine", "--config-file", config_file(ctx)),
    ready=rpc_probe("heat", "engine"),
    needs=("heat.configure", "database", "rabbitmq"),
    within_s=120,
)


def has_memory(_: Settings, __: Paths) -> CheckResult:
    """Check that heat fits into memory."""
    free_mib = psutil.virtual_memory().available >> 20
    if free_mib < MEMORY_MIB:
        return CheckResult("heat", Severity.WARNING, f"{free_mib} MiB of memory available; it uses {MEMORY_MIB} MiB", "free memory")
    return CheckResult("heat", Severity.GOOD, f"{free_mib} MiB of memory available")


@step(within_s=60)
async def configure(ctx: Context) -> str:
    """Write heat's configuration."""
    await write_config(ctx)
    await API.configure(ctx)
    return str(config_file(ctx))


@step(needs=("heat.configure", "database"), pool=ConcurrencyPool.CPU, within_s=180)
async def schema(ctx: Context) -> None:
    """Migrate heat's database."""
    await ctx.run("heat-manage", "--config-file", config_file(ctx), "db_sync")


@step(needs=("keystone.accounts",), within_s=60)
async def domain(ctx: Context) -> str:
    """Create the domain of the users that stacks create, with its administrator and their role."""
    api = admin_api(ctx)
    domain_id = (await api.post("identity", "/domains", {"domain": {"name": STACK_DOMAIN}}))["domain"]["id"]
    new = {"name": STACK_DOMAIN_ADMIN, "domain_id": domain_id, "password": domain_admin_password(ctx)}
    user_id = (await api.post("identity", "/users", {"user": new}))["user"]["id"]
    role_id = (await api.get("identity", "/roles?name=admin"))["roles"][0]["id"]
    await api.put("identity", f"/domains/{domain_id}/users/{user_id}/roles/{role_id}")
    await api.post("identity", "/roles", {"role": {"name": STACK_USER_ROLE}})
    return f"domain {STACK_DOMAIN}, user {STACK_DOMAIN_ADMIN}, role {STACK_USER_ROLE}"


DOMAIN_ADMIN_PASSWORD = replace(password(STACK_DOMAIN_ADMIN, STACK_DOMAIN), name="domain-admin-password")

COMPONENT = Component(
    name="heat",
    summary="Stacks of resources that a template describes.",
    default=False,
    declares=(
        HEAT_CONF,
        PythonRequirements(Path(__file__).with_name("requirements.txt")),
        Database("heat"),
        RpcQueue("heat", "engine"),
        ENDPOINT,
        KeptSecret("heat-encryption", "heat has encrypted data with it; a new cloud in another folder has another one"),
    ),
    checks=(has_memory,),
    parts={
        "template": (configure, schema, account("heat", ENDPOINT), domain),
        "rotate": (password("heat"), DOMAIN_ADMIN_PASSWORD),
        "run": (configure, API.service(), ENGINE),
    },
    urls=lambda settings: {"orchestration": ENDPOINT.url(settings).removesuffix(f"/{PROJECT_ID}")},
)
