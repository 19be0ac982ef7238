"""The EC2 keys of the administrator and of `demo`."""

import json
from pathlib import Path

import anyio
import pytest

from tests.support.rest import RestServer, open_cloud_context
from workflows.infra.certificates.authority import create_authority
from workflows.services.ec2_api.component import credentials

pytestmark = pytest.mark.slow  # openssl creates keys


async def test_both_users_have_keys_of_their_projects(tmp_path: Path, rest: RestServer) -> None:
    """An existing key gets its new secret; demo-novarc has the keys of `demo` and none of the administrator, and every shell reads it."""
    async with open_cloud_context(tmp_path, rest) as ctx:
        access = {"project": ctx.secret("ec2-access"), "demo-project": ctx.secret("ec2-demo-access")}
        rest.respond("GET", "/identity/users?name=admin", {"users": [{"id": "a"}]})
        rest.respond("GET", "/identity/users?name=demo&domain_id=default", {"users": [{"id": "d"}]})
        rest.respond("GET", "/identity/projects?name=demo&domain_id=default", {"projects": [{"id": "demo-project"}]})
        known = {"credentials": [{"id": "c", "blob": json.dumps({"access": access["project"], "secret": "old"})}]}
        rest.respond("GET", "/identity/credentials?type=ec2&user_id=a", known)
        rest.respond("GET", "/identity/credentials?type=ec2&user_id=d", {"credentials": []})
        rest.respond("POST", "/identity/credentials", {})
        rest.respond("PATCH", "/identity/credentials/c", {})
        ctx.paths.credentials.mkdir(exist_ok=True)
        await create_authority(ctx)
        await credentials.body(ctx)
        secret = ctx.secret("ec2-demo-secret")
        changed = {"access": access["project"], "secret": ctx.secret("ec2-secret")}
    (created,) = (body["credential"] for body in rest.bodies("POST", "/identity/credentials"))
    (update,) = rest.bodies("PATCH", "/identity/credentials/c")
    assert json.loads(update["credential"]["blob"]) == changed
    assert (created["user_id"], created["project_id"]) == ("d", "demo-project")
    assert json.loads(created["blob"]) == {"access": access["demo-project"], "secret": secret}
    script = '. "$0" && echo "$EC2_ACCESS_KEY $AWS_SECRET_ACCESS_KEY $AWS_ENDPOINT_URL_S3"'
    sourced = await anyio.run_process(["/bin/sh", "-euc", script, str(tmp_path / "credentials/demo-novarc")])
    assert sourced.stdout.decode() == f"{access['demo-project']} {secret} http://127.0.0.1:3333/\n"
