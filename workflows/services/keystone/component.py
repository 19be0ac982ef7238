"""keystone, the identity service."""

import os
from dataclasses import replace

from novaflow.errors import StepFailed
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.step import ConcurrencyPool, step
from workflows.infra.database.urls import Database
from workflows.platform.requirements import PythonPackages
from workflows.services.keystone.accounts import password
from workflows.services.keystone.client import admin_api, forget_token, log_in
from workflows.services.keystone.config import KEYSTONE_CONF, config_file, create_keys, delete_token_keys, write_config
from workflows.services.keystone.demo import DEMO, demo
from workflows.services.keystone.identity import DOMAIN, ENDPOINT, REGION, SERVICE_PROJECT
from workflows.services.oslo.wsgi import WsgiApi


async def _log_in(ctx: Context) -> str:
    """Log in as the administrator, once for all steps, and validate the token.

    The validation makes keystone load its policy. When its first requests arrive in parallel, keystone rejects some of them.
    """
    try:
        project_id = await log_in(ctx)
        api = admin_api(ctx)
        await api.get("identity", "/auth/tokens", headers={"X-Subject-Token": api.token})
    except StepFailed as error:
        raise NotYet(str(error)) from error
    return f"admin logged in to project {project_id} with a valid token"


API = WsgiApi(
    name="keystone",
    summary="Identity API.",
    application="keystone.wsgi.api:application",
    port=ENDPOINT.port,
    env=lambda ctx: {"OS_KEYSTONE_CONFIG_FILES": str(config_file(ctx))},
    needs=("keystone.configure", "database"),
    after=("keystone.bootstrap",),
    # Its middleware keeps the token of a request in an object that all requests share: with a second thread, a request is now and
    # then handled with the token of another.
    threads=1,
    ready=FunctionProbe(_log_in, "login and validation of the token"),
)


@step(within_s=60)
async def configure(ctx: Context) -> str:
    """Write keystone's configuration and create its token keys."""
    await write_config(ctx)
    await create_keys(ctx)
    forget_token(ctx)
    await API.configure(ctx)
    return str(config_file(ctx))


@step(needs=("keystone.configure", "database"), pool=ConcurrencyPool.CPU, within_s=180)
async def schema(ctx: Context) -> None:
    """Migrate keystone's database."""
    await ctx.run("keystone-manage", "--config-file", config_file(ctx), "db_sync")


@step(needs=("keystone.schema",), pool=ConcurrencyPool.CPU, within_s=120)
async def bootstrap(ctx: Context) -> str:
    """Create the administrator and keystone's entry in the catalog."""
    url = ENDPOINT.url(ctx.settings)
    await ctx.run(
        "keystone-manage", "--config-file", config_file(ctx), "bootstrap",
        "--bootstrap-username", "admin", "--bootstrap-project-name", "admin", "--bootstrap-role-name", "admin",
        "--bootstrap-service-name", "keystone", "--bootstrap-region-id", REGION,
        "--bootstrap-public-url", url, "--bootstrap-internal-url", ENDPOINT.local_url(ctx.settings),
        env={"OS_BOOTSTRAP_PASSWORD": ctx.secret("account-admin")},
    )  # fmt: skip
    return f"admin in project admin; identity is at {url}"


@step(needs=("keystone",), within_s=60)
async def accounts(ctx: Context) -> str:
    """Create the project of the services' users."""
    await admin_api(ctx).post("identity", "/projects", {"project": {"name": SERVICE_PROJECT, "domain_id": DOMAIN}})
    return f"project {SERVICE_PROJECT}"


@step(within_s=10)
async def forget_tokens(ctx: Context) -> str:
    """Delete the keys of tokens: all tokens become invalid."""
    delete_token_keys(ctx)
    return "all tokens are invalid"


@step(needs=("keystone.bootstrap",), pool=ConcurrencyPool.CPU, within_s=180)
async def credential_keys(ctx: Context) -> str:
    """Create a new key of stored credentials, such as EC2 keys, and encrypt them with it."""
    # A rotation is refused while credentials are encrypted with an older key, as one that was interrupted leaves them.
    owner = ("--keystone-user", str(os.geteuid()), "--keystone-group", str(os.getegid()))
    for action in ("credential_migrate", "credential_rotate", "credential_migrate"):
        await ctx.run("keystone-manage", "--config-file", config_file(ctx), action, *owner)
    return "credentials are encrypted with a new key"


ROTATE = (
    forget_tokens,
    replace(configure, needs=("keystone.forget-tokens",)),
    replace(bootstrap, needs=("keystone.configure", "database")),  # sets the administrator's password
    credential_keys,
    replace(API.service(), after=("keystone.credential-keys",)),
    password(DEMO),
)

COMPONENT = Component(
    name="keystone",
    summary="Identity: users, projects, tokens and the catalog.",
    parts={
        "template": (configure, schema, bootstrap, API.service(), accounts, demo),
        "run": (configure, API.service(), demo),
        "rotate": ROTATE,
    },
    urls=lambda settings: {"identity": ENDPOINT.url(settings)},
    declares=(KEYSTONE_CONF, PythonPackages(("keystone==30.0.0",)), Database("keystone"), ENDPOINT),
)
