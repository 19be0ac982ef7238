"""keystone, the identity service: users, projects, tokens and the catalogue."""

import base64
import secrets
from pathlib import Path

from novaflow.errors import StepFailed
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.step import ConcurrencyPool, step
from workflows.infra.database.urls import Database, database_url
from workflows.infra.ldap.settings import LdapSettings
from workflows.platform.requirements import PythonPackages
from workflows.services.ini import Sections, render_ini
from workflows.services.openstack import DOMAIN, IDENTITY_PORT, REGION, SERVICE_PROJECT, Api, forget_token, identity_url, log_in
from workflows.services.wsgi import Wsgi

DAY_S = 86_400  # a token outlives any run of tests; the stack's own steps share one


def _config(ctx: Context) -> Path:
    return ctx.paths.etc / "keystone" / "keystone.conf"


async def _log_in(ctx: Context) -> str:
    """Log in as the administrator, once for all steps, and have keystone judge the token.

    Judging makes it load its policy. Asked for the first time by several at once it refuses some of them for good.
    """
    try:
        project_id = await log_in(ctx)
        api = Api.logged_in(ctx)
        await api.call("GET", api.identity("/auth/tokens"), headers={"X-Subject-Token": api.token})
    except StepFailed as error:
        raise NotYet(str(error)) from error
    return f"let admin in to project {project_id}, and judged the token"


KEYSTONE = Wsgi(
    name="keystone",
    summary="keystone's API.",
    application="keystone.wsgi.api:application",
    port=IDENTITY_PORT,
    env=lambda ctx: {"OS_KEYSTONE_CONFIG_FILES": str(_config(ctx))},
    needs=("keystone.configure", "database"),
    after=("keystone.bootstrap",),
    ready=FunctionProbe(_log_in, "a login, and a look at its token"),
)


@step(within_s=60)
async def configure(ctx: Context) -> str:
    """Write keystone's configuration and the keys its tokens are sealed with."""
    keys = {kind: ctx.paths.etc / "keystone" / f"{kind}-keys" for kind in ("fernet", "credential")}
    options: Sections = {
        "DEFAULT": {"use_stderr": True},
        "database": {"connection": database_url(ctx, "keystone")},
        "token": {"provider": "fernet", "expiration": DAY_S},
        "fernet_tokens": {"key_repository": keys["fernet"]},
        "fernet_receipts": {"key_repository": keys["fernet"]},
        "credential": {"key_repository": keys["credential"]},
        # The generated passwords have 128 bits: hashing them slowly protects nothing.
        "identity": {
            "password_hash_rounds": 4,
            "max_password_length": 72,
            # A domain may say where its users live; read again whenever it is changed.
            "domain_specific_drivers_enabled": ctx.settings.of(LdapSettings).use_ldap,
            "domain_configurations_from_database": ctx.settings.of(LdapSettings).use_ldap,
        },
        "cache": {"enabled": True, "backend": "dogpile.cache.memory"},
    }
    await ctx.write(_config(ctx), render_ini(options), 0o600)
    for folder in keys.values():
        folder.mkdir(mode=0o700, exist_ok=True)
        for index in ("0", "1"):
            if not (folder / index).exists():
                await ctx.write(folder / index, base64.urlsafe_b64encode(secrets.token_bytes(32)), 0o600)
    forget_token(ctx)
    await KEYSTONE.configure(ctx)
    return str(_config(ctx))


@step(needs=("keystone.configure", "database"), pool=ConcurrencyPool.CPU, within_s=180)
async def schema(ctx: Context) -> None:
    """Bring keystone's tables to head."""
    await ctx.run("keystone-manage", "--config-file", _config(ctx), "db_sync")


@step(needs=("keystone.schema",), pool=ConcurrencyPool.CPU, within_s=120)
async def bootstrap(ctx: Context) -> str:
    """Make the administrator and keystone's own place in the catalogue."""
    url = f"{identity_url(ctx)}/v3"
    await ctx.run(
        "keystone-manage", "--config-file", _config(ctx), "bootstrap",
        "--bootstrap-username", "admin", "--bootstrap-project-name", "admin", "--bootstrap-role-name", "admin",
        "--bootstrap-service-name", "keystone", "--bootstrap-region-id", REGION,
        "--bootstrap-public-url", url, "--bootstrap-internal-url", url,
        env={"OS_BOOTSTRAP_PASSWORD": ctx.secret("account-admin")},
    )  # fmt: skip
    return f"admin in project admin; identity is at {url}"


@step(needs=("keystone",), within_s=60)
async def accounts(ctx: Context) -> str:
    """Make the project of the services' own users."""
    api = Api.logged_in(ctx)
    await api.call("POST", api.identity("/projects"), {"project": {"name": SERVICE_PROJECT, "domain_id": DOMAIN}})
    return f"project {SERVICE_PROJECT}"


COMPONENT = Component(
    name="keystone",
    summary="Users, projects, tokens and the catalogue.",
    parts={"template": (configure, schema, bootstrap, KEYSTONE.service(), accounts), "run": (configure, KEYSTONE.service())},
    urls=lambda settings: {"identity": f"http://{settings.host_ip}:{IDENTITY_PORT}/v3"},
    declares=(Database("keystone"), PythonPackages(("keystone==30.0.0",))),
)
