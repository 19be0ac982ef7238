"""Configuration with which a service authenticates to keystone and validates its callers' tokens."""

from novaflow.model.context import Context
from workflows.services.keystone.identity import DOMAIN, ENDPOINT, REGION, SERVICE_PROJECT, auth_url
from workflows.services.oslo.config_file import Sections


def service_credentials(ctx: Context, user: str) -> dict[str, str]:
    """Return the options with which keystoneauth logs in as a service's user."""
    return {
        "auth_url": auth_url(ctx),
        "auth_type": "password",
        "project_domain_id": DOMAIN,
        "user_domain_id": DOMAIN,
        "project_name": SERVICE_PROJECT,
        "username": user,
        "password": ctx.secret(f"account-{user}"),
        "region_name": REGION,
        "valid_interfaces": "internal",
    }


def token_validation(ctx: Context, user: str) -> Sections:
    """Return the section of keystonemiddleware, which validates the tokens of an API's callers."""
    return {
        "keystone_authtoken": {
            **service_credentials(ctx, user),
            "www_authenticate_uri": ENDPOINT.url(ctx.settings).removesuffix(ENDPOINT.path),
            "interface": "internal",
            "service_token_roles_required": True,
        }
    }
