"""Accounts of services in keystone: a user with its roles, and an entry in the catalog."""

from novaflow.model.context import Context
from novaflow.model.endpoint import Endpoint
from novaflow.model.step import Skipped, Step, step
from workflows.services.keystone.client import admin_api
from workflows.services.keystone.identity import DOMAIN, DOMAIN_NAME, REGION, SERVICE_PROJECT

ROLES = ("admin", "service")


def account(user: str, endpoint: Endpoint) -> Step:
    """Return the step that creates a service's user, grants its roles and adds the endpoint to the catalog."""

    @step(needs=("keystone.accounts",), within_s=60)
    async def account(ctx: Context) -> str:
        """Create the service's user, its roles and its entry in the catalog."""
        await _create_user(ctx, user)
        return f"created user {user}; {endpoint.name} is at {await _add_endpoint(ctx, user, endpoint)}"

    return account


def user(name: str) -> Step:
    """Return the step that creates the user of a service that runs without keystone, too, and that a kept cloud may not have yet."""

    @step(after=("keystone", "keystone.accounts"), within_s=60)  # the latter creates the project, in the template only
    async def account(ctx: Context) -> Skipped | str:
        """Create the service's user and its roles, unless they exist."""
        if not ctx.has_component("keystone"):
            return Skipped("keystone is not part of the stack")
        api = admin_api(ctx)
        found = (await api.get("identity", f"/users?name={name}&domain_id={DOMAIN}"))["users"]
        # The roles come after the user: a step that was interrupted between them is repeated.
        if found and (await api.get("identity", f"/role_assignments?user.id={found[0]['id']}"))["role_assignments"][len(ROLES) - 1 :]:
            return Skipped(f"user {name} exists")
        await _create_user(ctx, name, found[0]["id"] if found else "")
        return f"created user {name}"

    return account


def password(user: str, domain: str = DOMAIN_NAME) -> Step:
    """Return the step of the workflow `rotate` that gives the user in the domain of that name its new password."""

    @step(after=("keystone",), within_s=60)
    async def password(ctx: Context) -> Skipped | str:
        """Set the new password of the user in keystone."""
        if not ctx.has_component("keystone"):
            return Skipped("keystone is not part of the stack")
        api = admin_api(ctx)
        domain_id = (await api.get("identity", f"/domains?name={domain}"))["domains"][0]["id"]
        users = (await api.get("identity", f"/users?name={user}&domain_id={domain_id}"))["users"]
        if not users:
            return Skipped(f"there is no user {user} yet")
        await api.patch("identity", f"/users/{users[0]['id']}", {"user": {"password": ctx.secret(f"account-{user}")}})
        return f"user {user} has a new password"

    return password


async def _create_user(ctx: Context, user: str, user_id: str = "") -> None:
    """Create a user, unless it has an id, and grant its roles."""
    api = admin_api(ctx)
    project_id = (await api.get("identity", f"/projects?name={SERVICE_PROJECT}"))["projects"][0]["id"]
    roles = {role["name"]: role["id"] for role in (await api.get("identity", "/roles"))["roles"]}
    if not user_id:
        new = {"name": user, "domain_id": DOMAIN, "password": ctx.secret(f"account-{user}"), "default_project_id": project_id}
        user_id = (await api.post("identity", "/users", {"user": new}))["user"]["id"]
    for role in ROLES:
        await api.put("identity", f"/projects/{project_id}/users/{user_id}/roles/{roles[role]}")


async def _add_endpoint(ctx: Context, name: str, endpoint: Endpoint) -> str:
    api = admin_api(ctx)
    service = (await api.post("identity", "/services", {"service": {"name": name, "type": endpoint.name}}))["service"]
    url = endpoint.url(ctx.settings)
    for interface, address in (("public", url), ("internal", endpoint.local_url(ctx.settings))):
        entry = {"service_id": service["id"], "interface": interface, "region_id": REGION, "url": address}
        await api.post("identity", "/endpoints", {"endpoint": entry})
    return url
