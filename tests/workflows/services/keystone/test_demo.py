"""The user `demo`."""

from pathlib import Path

from tests.support.rest import RestServer, open_cloud_context
from workflows.services.keystone.demo import demo

PROJECTS, USERS = "/identity/projects?name=demo&domain_id=default", "/identity/users?name=demo&domain_id=default"


def prepare(rest: RestServer, projects: list[object], users: list[object]) -> None:
    """Prepare the responses of a keystone that has these projects and users."""
    rest.respond("GET", PROJECTS, {"projects": projects})
    rest.respond("POST", "/identity/projects", {"project": {"id": "p"}})
    rest.respond("GET", USERS, {"users": users})
    rest.respond("POST", "/identity/users", {"user": {"id": "u"}})
    rest.respond("GET", "/identity/roles?name=member", {"roles": [{"id": "m"}]})
    rest.respond("PUT", "/identity/projects/p/users/u/roles/m")


async def test_the_user_is_an_ordinary_member_of_its_project(tmp_path: Path, rest: RestServer) -> None:
    """It has the role `member`, and no other; its password is generated like the other ones."""
    prepare(rest, [], [])
    async with open_cloud_context(tmp_path, rest) as ctx:
        assert await demo.body(ctx) == "user demo is a member of project demo"
        password = ctx.secret("account-demo")
    assert rest.bodies("POST", "/identity/projects") == [{"project": {"name": "demo", "domain_id": "default"}}]
    user = {"name": "demo", "domain_id": "default", "password": password, "default_project_id": "p"}
    assert rest.bodies("POST", "/identity/users") == [{"user": user}]
    assert [request.path for request in rest.requests if request.method == "PUT"] == ["/identity/projects/p/users/u/roles/m"]


async def test_an_existing_user_is_kept(tmp_path: Path, rest: RestServer) -> None:
    """A step that was interrupted before it granted the role grants it."""
    prepare(rest, [{"id": "p"}], [{"id": "u"}])
    async with open_cloud_context(tmp_path, rest) as ctx:
        await demo.body(ctx)
    assert [request.method for request in rest.requests] == ["GET", "GET", "GET", "PUT"]
