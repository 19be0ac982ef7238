"""keystone's endpoint, and the domain, project and region of all services."""

from novaflow.model.context import Context
from workflows.services.endpoint import Endpoint

ENDPOINT = Endpoint("identity", port=5000, path="/v3")
REGION = "RegionOne"
DOMAIN, DOMAIN_NAME = "default", "Default"
SERVICE_PROJECT = "service"


def auth_url(ctx: Context) -> str:
    """Return the URL that keystoneauth discovers keystone's API at; it has no version."""
    return ENDPOINT.url(ctx.settings).removesuffix(ENDPOINT.path)
