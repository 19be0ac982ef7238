"""The user `demo`: an ordinary user with a project of its own, so that applications are not tested with the administrator's rights."""

from novaflow.model.context import Context
from novaflow.model.step import step
from workflows.services.keystone.client import Api, admin_api
from workflows.services.keystone.identity import DOMAIN

DEMO = "demo"  # the name of the user and of the project
ROLE = "member"  # created by keystone's bootstrap


@step(needs=("keystone",), within_s=60)
async def demo(ctx: Context) -> str:
    """Create the user and the project `demo`; what exists is kept."""
    api = admin_api(ctx)
    project = await api.ensure("identity", "/projects", "project", {"name": DEMO, "domain_id": DOMAIN}, domain_id=DOMAIN)
    new = {"name": DEMO, "domain_id": DOMAIN, "password": demo_password(ctx), "default_project_id": project["id"]}
    user = await api.ensure("identity", "/users", "user", new, domain_id=DOMAIN)
    role = (await api.get("identity", f"/roles?name={ROLE}"))["roles"][0]
    await api.put("identity", f"/projects/{project['id']}/users/{user['id']}/roles/{role['id']}")
    return f"user {DEMO} is a {ROLE} of project {DEMO}"


def demo_password(ctx: Context) -> str:
    """Return the password of the user."""
    return ctx.secret(f"account-{DEMO}")


async def find_demo_project(api: Api) -> str:
    """Return the id of the project."""
    return str((await api.get("identity", f"/projects?name={DEMO}&domain_id={DOMAIN}"))["projects"][0]["id"])


async def find_demo_user(api: Api) -> str:
    """Return the id of the user."""
    return str((await api.get("identity", f"/users?name={DEMO}&domain_id={DOMAIN}"))["users"][0]["id"])
