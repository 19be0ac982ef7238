"""`secrets rotate`: the secrets of a cloud are others, and the cloud is the same."""

# ruff: noqa: S603, TID251 - tests start known programs

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import anyio
import pytest

from novaflow.adapters.amqp import amqp_login
from novaflow.model.probe import NotYet
from tests.cloud.clients import TIMEOUT_S, connected, guest
from tests.cloud.machine_state import processes_of
from tests.cloud.stacks import UP_WITHIN_S, Stack
from tests.cloud.test_kept_cloud import STORE, curl, describe, require_reached, signed
from tests.cloud.test_volumes import DEVICE, temporary_volume
from workflows.services.objectstore.presigned import presign
from workflows.verify.ec2_request import sign_request

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.long,
    pytest.mark.stops_cloud,
    pytest.mark.timeout(1200),
    pytest.mark.filterwarnings("default"),
]

KEPT = {"ec2-access", "ec2-demo-access"}  # names of keys


def test_old_secrets_are_refused_and_the_cloud_is_kept(stack: Stack, tmp_path: Path) -> None:
    """A server with its address and volume, and an object, are there; `up` has nothing to do; no secret is in logs or arguments."""
    stack.up()
    credentials = stack.folder / "credentials"
    with (
        connected(credentials) as nova,
        temporary_volume(nova, name="rotated") as volume,
        guest(nova, tmp_path, "rotated") as server,
    ):
        nova.compute.create_volume_attachment(server.id, volume_id=volume)
        server.run(f"until test -b {DEVICE}; do sleep 0.1; done; echo durable >{DEVICE}; sync")
        for name, content in (("rotated", ""), ("rotated/text", "an object")):
            curl("--request", "PUT", "--header", "Content-Type:", "--data-binary", content, signed(stack, "PUT", name))
        before, old, keys = describe(nova, server), read_secrets(stack), read_keys(stack)
        assert accepted(stack, old) == dict.fromkeys(accepted(stack, old), True)
        assert stack("secrets", "rotate", good=False).stderr == "novaflow: nothing was changed; add --yes to change the secrets\n"
        assert read_secrets(stack) == old
        token = nova.auth_token
        stack("secrets", "rotate", "--yes", within_s=UP_WITHIN_S)
        new = read_secrets(stack)
        assert {name for name in old if old[name] == new[name]} == KEPT
        assert new.keys() == old.keys()
        assert not set(read_keys(stack)) & set(keys[:2])
        assert not (credentials / "secrets.old.json").exists()
        assert accepted(stack, old) == dict.fromkeys(accepted(stack, old), False)
        assert accepted(stack, new) == dict.fromkeys(accepted(stack, new), True)
        assert status("--header", f"X-Auth-Token: {token}", "http://127.0.0.1:5000/v3/projects") == 401
        with connected(credentials) as renewed:
            nova.session.auth = renewed.session.auth
            assert describe(nova, server) == before
            require_reached(server)
            assert curl(signed(stack, "GET", "rotated/text")) == "an object"
            assert stack("up").stdout == f"{stack.folder.name} is already up; `novaflow status` shows it\n"
            require_hidden(stack, old, new)
            nova.compute.delete_volume_attachment(server.id, volume)
            nova.block_storage.wait_for_status(nova.block_storage.get_volume(volume), "available", wait=TIMEOUT_S)


def read_secrets(stack: Stack) -> dict[str, str]:
    """Return the secrets of the stack by name."""
    secrets: dict[str, str] = json.loads((stack.folder / "credentials/secrets.json").read_text())
    return secrets


def read_keys(stack: Stack) -> list[str]:
    """Return the keys of keystone's tokens."""
    return [file.read_text() for file in sorted((stack.folder / "etc/keystone/fernet-keys").iterdir())]


def accepted(stack: Stack, secrets: Mapping[str, str]) -> dict[str, bool]:
    """Return whether each kind of login succeeds with these secrets."""
    ec2 = {f"ec2 {user}": (secrets[f"{user}-access"], secrets[f"{user}-secret"]) for user in ("ec2", "ec2-demo")}
    return {
        **{f"keystone {user}": log_in(user, secrets[f"account-{user}"]) for user in ("admin", "demo", "nova", "neutron", "objectstore")},
        **{f"s3 {name}": status(presign("GET", f"{STORE}/", *pair)) == 200 for name, pair in ec2.items()},
        **{name: status(sign_request("http://127.0.0.1:8773/", "DescribeInstances", *pair)) == 200 for name, pair in ec2.items()},
        "database": query(stack, secrets["database"]),
        **{f"rabbitmq {user}": anyio.run(reach_broker, f"{user}:{secrets[name]}", host) for user, name, host in BROKER_USERS},
    }


BROKER_USERS = (
    ("openstack", "rabbitmq-rpc", "openstack"),
    ("novaflow", "rabbitmq-events", "novaflow"),
    ("subscriber", "rabbitmq-subscriber", "novaflow"),
)


def log_in(user: str, password: str) -> bool:
    """Return whether keystone accepts the password."""
    auth = {"identity": {"methods": ["password"], "password": {"user": {"name": user, "domain": {"id": "default"}, "password": password}}}}
    body = json.dumps({"auth": auth})
    return status("--header", "Content-Type: application/json", "--data", body, "http://127.0.0.1:5000/v3/auth/tokens") == 201


def status(*arguments: str) -> int:
    """Return the status of the response to a request."""
    command = ("curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", *arguments)
    return int(subprocess.run(command, capture_output=True, check=True, text=True, timeout=TIMEOUT_S).stdout)


def query(stack: Stack, password: str) -> bool:
    """Return whether the database accepts the password."""
    command = ("mariadb", "--no-defaults", f"--socket={stack.folder}/run/mariadb.sock", "--user=openstack", "--execute=SELECT 1")
    environment = {**os.environ, "MYSQL_PWD": password}
    return subprocess.run(command, env=environment, capture_output=True, check=False, timeout=TIMEOUT_S).returncode == 0


async def reach_broker(login: str, virtual_host: str) -> bool:
    """Return whether the broker accepts the login."""
    try:
        await amqp_login(f"amqp://{login}@127.0.0.1:5672/{virtual_host}")
    except NotYet:
        return False
    return True


def require_hidden(stack: Stack, *secrets: Mapping[str, str]) -> None:
    """Return if no secret is in a log, an event or an argument of a process."""
    files = [path for path in (stack.folder / "log").rglob("*") if path.is_file()]
    texts = {str(path): path.read_text(errors="replace") for path in (*files, stack.folder / "journal.jsonl")}
    texts |= {f"arguments of {pid}": command for pid, command in processes_of(stack.folder).items()}
    values = {f"{name} {number}": value for number, each in enumerate(secrets) for name, value in each.items() if name not in KEPT}
    assert {f"{name} in {place}" for place, text in texts.items() for name, value in values.items() if value in text} == set()
