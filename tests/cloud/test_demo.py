"""The ordinary user `demo`: it can work at once, and has no rights of an administrator."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import openstack
import pytest
from botocore.exceptions import ClientError
from openstack.exceptions import ForbiddenException

from tests.cloud.clients import connected, guest
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]


@pytest.fixture
def demo(cloud: Stack) -> Iterator[openstack.connection.Connection]:
    """Return a connection of openstacksdk as the user `demo`."""
    with connected(cloud.folder / "credentials", "novaflow-demo") as connection:
        yield connection


def read_exports(text: str) -> dict[str, str]:
    """Return the exported variables by name, without quotes."""
    lines = (line.removeprefix("export ").partition("=") for line in text.splitlines() if line.startswith("export "))
    return {name: value.strip("'") for name, _, value in lines}


def test_demo_reaches_a_server_of_its_own(demo: openstack.connection.Connection, cloud: Stack, tmp_path: Path) -> None:
    """It has a network, a floating address and ssh without further rules; it is the only one who sees the server."""
    with guest(demo, tmp_path, "ordinary") as server:
        assert server.run("echo up") == "up\n"
        assert [one.id for one in demo.compute.servers()] == [server.id]
        with connected(cloud.folder / "credentials") as admin:
            assert server.id not in {one.id for one in admin.compute.servers()}


def test_demo_is_no_administrator(demo: openstack.connection.Connection) -> None:
    """What needs an administrator is refused, so that an application that needs one fails in a test."""
    for request in (demo.compute.services, demo.identity.users, demo.compute.hypervisors):
        with pytest.raises(ForbiddenException):
            next(iter(request()))
    with pytest.raises(ForbiddenException):
        demo.compute.create_flavor(name="theirs", ram=64, vcpus=1, disk=1)


def test_env_prints_the_credentials_of_demo(cloud: Stack) -> None:
    """They are those of demo-openrc; the default are the administrator's."""
    printed = read_exports(cloud("env", "--user", "demo").stdout)
    written = read_exports((cloud.folder / "credentials/demo-openrc").read_text())
    assert printed["OS_PROJECT_NAME"] == "demo"
    assert {name: written[name] for name in printed if name.startswith("OS_")} == {
        name: value for name, value in printed.items() if name.startswith("OS_")
    }
    assert read_exports(cloud("env").stdout)["OS_USERNAME"] == "admin"


def test_demo_has_objects_and_ec2_of_its_own(cloud: Stack) -> None:
    """The keys of demo-novarc are accepted by both; the bucket of `demo` is not one of the administrator."""
    clients = {}
    for name in ("demo-novarc", "novarc"):
        keys = read_exports((cloud.folder / "credentials" / name).read_text())
        login = {"aws_access_key_id": keys["EC2_ACCESS_KEY"], "aws_secret_access_key": keys["EC2_SECRET_KEY"], "region_name": "RegionOne"}
        clients[name] = boto3.client("s3", endpoint_url=keys["S3_URL"], **login)
        assert boto3.client("ec2", endpoint_url=keys["EC2_URL"], **login).describe_images()["Images"]
    clients["demo-novarc"].create_bucket(Bucket="of-demo")
    try:
        with pytest.raises(ClientError, match="403"):
            clients["novarc"].head_bucket(Bucket="of-demo")
    finally:
        clients["demo-novarc"].delete_bucket(Bucket="of-demo")
