"""heat's configuration."""

from pathlib import Path

from novaflow.model.context import Context
from workflows.infra.database.origin import host_name
from workflows.infra.database.urls import database_url
from workflows.services.keystone.identity import DOMAIN, REGION, auth_url
from workflows.services.keystone.service_auth import token_validation
from workflows.services.oslo.config_file import OsloConfig, Sections
from workflows.services.oslo.sections import locks, messaging

HEAT_CONF = OsloConfig("heat/.heat/heat.conf", "openstack-heat")
STACK_DOMAIN, STACK_DOMAIN_ADMIN = "heat", "heat-domain-admin"


def config_file(ctx: Context) -> Path:
    """Return the path of heat.conf; the API finds it below its home folder."""
    return HEAT_CONF.path(ctx)


def domain_admin_password(ctx: Context) -> str:
    """Return the password of the user that creates users and projects for stacks."""
    return ctx.secret(f"account-{STACK_DOMAIN_ADMIN}")


async def write_config(ctx: Context) -> None:
    """Write heat.conf from the settings."""
    data = ctx.paths.venv / "etc" / "heat"
    options: Sections = {
        "DEFAULT": {
            "use_stderr": True,
            "host": host_name(ctx.paths),
            "num_engine_workers": 1,
            "graceful_shutdown_timeout": 2,  # 60 s by default
            "region_name_for_services": REGION,
            "auth_encryption_key": ctx.secret("heat-encryption"),
            "stack_user_domain_name": STACK_DOMAIN,
            "stack_domain_admin": STACK_DOMAIN_ADMIN,
            "stack_domain_admin_password": domain_admin_password(ctx),
            "environment_dir": data / "environment.d",
            "template_dir": data / "templates",
            "default_user_data_format": "RAW",  # the images of a stack do not contain heat-cfntools
        },
        "database": {"connection": database_url(ctx, "heat")},
        "paste_deploy": {"api_paste_config": data / "api-paste.ini"},
        "clients": {"endpoint_type": "internal"},
        "clients_keystone": {"auth_uri": auth_url(ctx)},
        # The user to which a stack's owner delegates roles; heat acts with them after the owner's token has expired.
        "trustee": {
            "auth_type": "password",
            "auth_url": auth_url(ctx),
            "username": "heat",
            "password": ctx.secret("account-heat"),
            "user_domain_id": DOMAIN,
        },
        "volumes": {"backups_enabled": False},
        "cache": {"enabled": True, "backend": "dogpile.cache.memory"},
    }
    layers = (options, messaging(ctx), token_validation(ctx, "heat"), locks(ctx, "heat"))
    await HEAT_CONF.write(ctx, *layers)
