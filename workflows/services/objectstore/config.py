"""The configuration of the object store, and the keys of the stack."""

import json
import shlex
from pathlib import Path

from novaflow.model.context import Context
from novaflow.settings import bypass_proxies
from workflows.infra.certificates.authority import trusted_authority
from workflows.services.keystone.identity import DOMAIN, REGION, SERVICE_PROJECT
from workflows.services.keystone.identity import ENDPOINT as IDENTITY
from workflows.services.objectstore.endpoint import ENDPOINT
from workflows.services.objectstore.settings import ObjectStoreSettings

USER = "objectstore"  # of keystone, which the object store asks about other keys
ACCESS_KEY = "it is the name of a key; the secret that belongs to it is changed"
S3RC = """\
export AWS_ACCESS_KEY_ID='{access}'
export AWS_SECRET_ACCESS_KEY='{secret}'
export AWS_DEFAULT_REGION={region}
export AWS_ENDPOINT_URL_S3='{url}'
{trust}{bypass_proxies}"""


def config_folder(ctx: Context) -> Path:
    """Return the folder of the object store's program and configuration."""
    return ctx.paths.etc / "objectstore"


def config_file(ctx: Context) -> Path:
    """Return the path of the object store's configuration."""
    return config_folder(ctx) / "config.json"


def stack_keys(ctx: Context) -> dict[str, str]:
    """Return the pair of keys ``access`` and ``secret`` of the administrator, which every stack has."""
    return {"access": ctx.secret("ec2-access"), "secret": ctx.secret("ec2-secret")}


async def write_config(ctx: Context) -> None:
    """Write the configuration, with the account in keystone if the stack has it, and s3rc, the variables of clients."""
    account = {
        "url": IDENTITY.local_url(ctx.settings),
        "user": USER,
        "password": ctx.secret(f"account-{USER}"),
        "project": SERVICE_PROJECT,
        "domain": DOMAIN,
    }
    settings = ctx.settings.of(ObjectStoreSettings)
    options = {
        "folder": str(ctx.paths.data / "objectstore"),
        "quota": settings.novaflow_s3_quota << 30,
        "anonymous": settings.novaflow_s3_anonymous,
        **stack_keys(ctx),
        "keystone": account if ctx.has_component("keystone") else None,
    }
    await ctx.write(config_file(ctx), json.dumps(options, indent=1))
    authority = trusted_authority(ctx.settings, ctx.paths)
    exports = S3RC.format(
        **stack_keys(ctx),
        region=REGION,
        url=ENDPOINT.url(ctx.settings),
        trust=f"export AWS_CA_BUNDLE={shlex.quote(str(authority))}\n" if authority else "",
        bypass_proxies=bypass_proxies(ctx.settings.host_ip),
    )
    await ctx.write(ctx.paths.credentials / "s3rc", exports)
