"""Accounts of services: users, roles and entries in the catalog."""

from pathlib import Path

from novaflow.model.endpoint import Endpoint
from novaflow.model.step import Skipped
from tests.support.rest import RestServer, open_cloud_context
from workflows.services.keystone.accounts import account, password, user
from workflows.services.keystone.component import COMPONENT as KEYSTONE


def prepare(rest: RestServer) -> None:
    """Prepare the responses of keystone."""
    rest.respond("GET", "/identity/projects?name=service", {"projects": [{"id": "p"}]})
    rest.respond("GET", "/identity/roles", {"roles": [{"name": "admin", "id": "a"}, {"name": "service", "id": "s"}]})
    rest.respond("POST", "/identity/users", {"user": {"id": "u"}})
    rest.respond("PUT", "/identity/projects/p/users/u/roles/a")
    rest.respond("PUT", "/identity/projects/p/users/u/roles/s")
    rest.respond("POST", "/identity/services", {"service": {"id": "x"}})
    rest.respond("POST", "/identity/endpoints", {})


async def test_an_account_has_a_user_roles_and_endpoints(tmp_path: Path, rest: RestServer) -> None:
    """The user has both roles in the project of services; the catalog has a public and an internal endpoint."""
    prepare(rest)
    async with open_cloud_context(tmp_path, rest) as ctx:
        answer = await account("glance", Endpoint("image", 9292, "/v2")).body(ctx)
        password = ctx.secret("account-glance")
    assert answer == "created user glance; image is at http://127.0.0.1:9292/v2"
    user = {"name": "glance", "domain_id": "default", "password": password, "default_project_id": "p"}
    assert rest.bodies("POST", "/identity/users") == [{"user": user}]
    assert [request.path[-1] for request in rest.requests if request.method == "PUT"] == ["a", "s"]
    assert rest.bodies("POST", "/identity/services") == [{"service": {"name": "glance", "type": "image"}}]
    endpoints = [body["endpoint"] for body in rest.bodies("POST", "/identity/endpoints")]
    assert [(one["service_id"], one["interface"], one["url"]) for one in endpoints] == [
        ("x", "public", "http://127.0.0.1:9292/v2"),
        ("x", "internal", "http://127.0.0.1:9292/v2"),
    ]


def test_an_account_waits_for_the_project() -> None:
    """The step is part of the component that declares it, and needs keystone's."""
    step = account("glance", Endpoint("image", 9292))
    assert (step.name, step.needs) == ("account", ("keystone.accounts",))


async def test_a_user_is_created_where_it_is_missing(tmp_path: Path, rest: RestServer) -> None:
    """A cloud of an earlier version gets the user, once; one without its roles, which was interrupted, gets the roles."""
    prepare(rest)
    rest.respond("GET", "/identity/users?name=objectstore&domain_id=default", {"users": []})
    rest.respond("GET", "/identity/users?name=objectstore&domain_id=default", {"users": [{"id": "u"}]})
    rest.respond("GET", "/identity/role_assignments?user.id=u", {"role_assignments": [{}]})
    rest.respond("GET", "/identity/role_assignments?user.id=u", {"role_assignments": [{}, {}]})
    async with open_cloud_context(tmp_path, rest, KEYSTONE) as ctx:
        answers = [await user("objectstore").body(ctx) for _ in range(3)]
    assert answers == ["created user objectstore", "created user objectstore", Skipped("user objectstore exists")]
    assert len(rest.bodies("POST", "/identity/users")) == 1
    assert [request.path[-1] for request in rest.requests if request.method == "PUT"] == ["a", "s", "a", "s"]


async def test_a_stack_without_keystone_needs_no_user(tmp_path: Path, rest: RestServer) -> None:
    """The step is skipped, and keystone is not asked."""
    async with open_cloud_context(tmp_path, rest) as ctx:
        assert await user("objectstore").body(ctx) == Skipped("keystone is not part of the stack")
    assert rest.requests == []


async def test_a_new_password_is_set(tmp_path: Path, rest: RestServer) -> None:
    """The user is the one in its domain: users of the cloud may have created one of the same name in another."""
    rest.respond("GET", "/identity/domains?name=heat", {"domains": [{"id": "h"}]})
    rest.respond("GET", "/identity/users?name=glance&domain_id=h", {"users": [{"id": "u"}]})
    rest.respond("PATCH", "/identity/users/u", {})
    async with open_cloud_context(tmp_path, rest, KEYSTONE) as ctx:
        assert await password("glance", "heat").body(ctx) == "user glance has a new password"
        assert rest.bodies("PATCH", "/identity/users/u") == [{"user": {"password": ctx.secret("account-glance")}}]


async def test_a_user_that_does_not_exist_gets_no_password(tmp_path: Path, rest: RestServer) -> None:
    """An older cloud may not have it; without keystone there is none."""
    rest.respond("GET", "/identity/domains?name=Default", {"domains": [{"id": "default"}]})
    rest.respond("GET", "/identity/users?name=demo&domain_id=default", {"users": []})
    async with open_cloud_context(tmp_path, rest, KEYSTONE) as ctx:
        assert await password("demo").body(ctx) == Skipped("there is no user demo yet")
    async with open_cloud_context(tmp_path, rest) as ctx:
        assert await password("demo").body(ctx) == Skipped("keystone is not part of the stack")
