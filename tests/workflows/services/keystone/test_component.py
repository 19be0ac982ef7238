"""keystone's readiness, and the steps that create its first accounts."""

import os
from pathlib import Path

import pytest

from novaflow.errors import StepFailed
from novaflow.model.probe import FunctionProbe, NotYet
from tests.support.contexts import open_context
from tests.support.rest import RestServer, open_cloud_context
from tests.support.settings import make_settings
from tests.support.stand_ins import StandIns
from workflows.services.keystone.component import API, accounts, bootstrap, credential_keys, schema


async def test_keystone_is_not_ready_while_it_rejects_the_login(tmp_path: Path, rest: RestServer) -> None:
    """The reason is its answer: the database may not contain the administrator yet."""
    rest.respond("POST", "/identity/auth/tokens", {"error": {"title": "Unauthorized"}}, status=401)
    async with open_cloud_context(tmp_path, rest) as ctx:
        assert isinstance(API.ready, FunctionProbe)
        with pytest.raises(NotYet, match=r"^keystone rejected the administrator's login with 401: .*Unauthorized"):
            await API.ready.check(ctx)
    assert [request.path for request in rest.requests] == ["/identity/auth/tokens"]


async def test_the_login_is_that_of_the_generated_administrator(tmp_path: Path, rest: RestServer) -> None:
    """It is for the project admin, in the domain of all services."""
    rest.respond("POST", "/identity/auth/tokens", status=503)
    async with open_cloud_context(tmp_path, rest) as ctx:
        assert isinstance(API.ready, FunctionProbe)
        with pytest.raises(NotYet):
            await API.ready.check(ctx)
        password = ctx.secret("account-admin")
    (body,) = rest.bodies("POST", "/identity/auth/tokens")
    user = {"name": "admin", "domain": {"id": "default"}, "password": password}
    assert body["auth"]["identity"] == {"methods": ["password"], "password": {"user": user}}
    assert body["auth"]["scope"] == {"project": {"name": "admin", "domain": {"id": "default"}}}


async def test_the_password_of_the_administrator_is_in_no_argument(tmp_path: Path) -> None:
    """Every user can read the arguments of programs; keystone reads its environment."""
    async with open_context(tmp_path, settings=make_settings(host_ip="192.0.2.1")) as ctx:
        programs = StandIns(ctx)
        programs.add("keystone-manage", script='echo "$OS_BOOTSTRAP_PASSWORD" >password')
        assert await bootstrap.body(ctx) == "admin in project admin; identity is at https://192.0.2.1:5000/v3"
        assert (ctx.paths.run / "password").read_text().strip() == ctx.secret("account-admin")
    (call,) = programs.calls
    assert ctx.secret("account-admin") not in call
    assert "--bootstrap-public-url https://192.0.2.1:5000/v3 --bootstrap-internal-url http://127.0.2.1:5000/v3" in call


async def test_the_database_is_migrated_before(tmp_path: Path) -> None:
    """The bootstrap writes into it."""
    async with open_context(tmp_path) as ctx:
        programs = StandIns(ctx)
        programs.add("keystone-manage")
        await schema.body(ctx)
    assert programs.calls == [f"keystone-manage --config-file {tmp_path}/etc/keystone/keystone.conf db_sync"]
    assert bootstrap.needs == ("keystone.schema",)


async def test_the_project_of_services_is_created(tmp_path: Path, rest: RestServer) -> None:
    """An error of keystone fails the step, with method, address and answer."""
    rest.respond("POST", "/identity/projects", {}, status=201)
    rest.respond("POST", "/identity/projects", {"error": "conflict"}, status=409)
    async with open_cloud_context(tmp_path, rest) as ctx:
        assert await accounts.body(ctx) == "project service"
        with pytest.raises(StepFailed) as raised:
            await accounts.body(ctx)
    assert str(raised.value) == f'POST {rest.url}/identity/projects returned 409: {{"error": "conflict"}}'
    assert rest.bodies("POST", "/identity/projects")[0] == {"project": {"name": "service", "domain_id": "default"}}


async def test_an_interrupted_rotation_of_the_credential_key_is_completed(tmp_path: Path) -> None:
    """Credentials are encrypted with the newest key before, and with the new one afterwards."""
    async with open_context(tmp_path) as ctx:
        programs = StandIns(ctx)
        programs.add("keystone-manage")
        await credential_keys.body(ctx)
    owner = f"--keystone-user {os.geteuid()} --keystone-group {os.getegid()}"
    actions = ("credential_migrate", "credential_rotate", "credential_migrate")
    assert programs.calls == [f"keystone-manage --config-file {tmp_path}/etc/keystone/keystone.conf {action} {owner}" for action in actions]
