"""keystone's endpoint, and the domain, project and region of all services."""

from novaflow.model.context import Context
from novaflow.model.endpoint import Endpoint

ENDPOINT = Endpoint("identity", port=5000, path="/v3")
REGION = "RegionOne"
DOMAIN, DOMAIN_NAME = "default", "Default"
SERVICE_PROJECT = "service"
PROJECT_ID = "$(project_id)s"  # in a path of the catalog. Source: keystone's admin guide, "Service catalog"


def auth_url(ctx: Context) -> str:
    """Return the URL at which services discover keystone's API; it has no version."""
    return ENDPOINT.local_url(ctx.settings).removesuffix(ENDPOINT.path)
