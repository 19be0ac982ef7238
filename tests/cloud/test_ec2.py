"""The EC2 API, used through boto3 and the AWS command line with the keys of novarc."""

# ruff: noqa: S603, S607, TID251 - tests start known programs

import json
import re
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import boto3
import openstack
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.cloud.clients import BOOT_S, connected, wait_for
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]

AWS = Path(sys.executable).with_name("aws")
ONCE = Config(retries={"total_max_attempts": 1})
EC2_NAMES = "EC2_ACCESS_KEY EC2_SECRET_KEY EC2_URL S3_URL EC2_USER_ID EC2_PRIVATE_KEY EC2_CERT NOVA_CERT EUCALYPTUS_CERT"
OS_NAMES = "OS_AUTH_URL OS_USERNAME OS_PASSWORD OS_PROJECT_NAME OS_REGION_NAME"


def read_exports(stack: Stack, file: str, shell: str) -> dict[str, str]:
    """Return the environment of a shell after it has sourced a file of credentials."""
    command = f". {stack.folder}/credentials/{file} && env"
    output = subprocess.run([shell, "-euc", command], capture_output=True, check=True, text=True, timeout=10).stdout
    return dict(line.partition("=")[::2] for line in output.splitlines())


def client(stack: Stack, **overrides: str) -> Any:  # noqa: ANN401 - boto3 has no types
    """Return a client with the keys of novarc; ``overrides`` replace them."""
    rc = read_exports(stack, "novarc", "dash")
    keys = {"aws_access_key_id": rc["EC2_ACCESS_KEY"], "aws_secret_access_key": rc["EC2_SECRET_KEY"], **overrides}
    return boto3.client("ec2", endpoint_url=rc["EC2_URL"], region_name="RegionOne", config=ONCE, **keys)


def aws(stack: Stack, *arguments: str) -> Any:  # noqa: ANN401 - the decoded JSON
    """Return the output of the AWS command line in a shell that has sourced novarc."""
    line = ". $0 && exec $@"
    argv: list[str | Path] = ["dash", "-euc", line, stack.folder / "credentials" / "novarc", AWS, "ec2", "--output", "json", *arguments]
    completed = subprocess.run(argv, capture_output=True, check=False, text=True, timeout=120)
    assert completed.returncode == 0, completed.stderr
    return json.loads(completed.stdout or "null")


@contextmanager
def raises(code: str) -> Iterator[None]:
    """Expect an error with this EC2 error code and without a traceback in its message."""
    with pytest.raises(ClientError) as error:
        yield
    assert error.value.response["Error"]["Code"] == code
    assert "Traceback" not in error.value.response["Error"]["Message"]


@pytest.fixture
def ec2(cloud: Stack) -> Any:  # noqa: ANN401 - boto3 has no types
    """Return a client of EC2."""
    return client(cloud)


def test_bash_and_dash_read_the_credentials(cloud: Stack) -> None:
    """Both shells read the same keys and URLs, and the files that novarc names exist."""
    for file, names, address in (("novarc", EC2_NAMES, "http://127.0.0.1:8773/"), ("openrc", OS_NAMES, "http://127.0.0.1:5000/v3")):
        bash, dash = (read_exports(cloud, file, shell) for shell in ("bash", "dash"))
        assert [bash[name] for name in names.split()] == [dash[name] for name in names.split()]
        assert address in dash.values()
    novarc = read_exports(cloud, "novarc", "dash")
    assert all(Path(novarc[name]).is_file() for name in EC2_NAMES.split()[5:])


def test_nova_zip_can_be_unpacked_anywhere(cloud: Stack, tmp_path: Path) -> None:
    """It contains the files that novarc names; the authority has signed the certificate, which belongs to the key."""
    with zipfile.ZipFile(cloud.folder / "credentials" / "nova.zip") as archive:
        archive.extractall(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"novarc", "pk.pem", "cert.pem", "cacert.pem"}
    check = """
    . $0/novarc
    openssl verify -CAfile "$NOVA_CERT" "$EC2_CERT"
    openssl x509 -in "$EC2_CERT" -noout -pubkey | cmp - <(openssl pkey -in "$EC2_PRIVATE_KEY" -pubout)
    """
    completed = subprocess.run(["bash", "-eo", "pipefail", "-c", check, tmp_path], capture_output=True, check=False, text=True, timeout=10)
    assert (completed.stdout, completed.stderr) == (f"{tmp_path}/cert.pem: OK\n", "")


def test_the_aws_command_line_uses_novarc(cloud: Stack) -> None:
    """It lists regions, zones, images and key pairs."""
    assert [region["RegionName"] for region in aws(cloud, "describe-regions")["Regions"]] == ["RegionOne"]
    zones = aws(cloud, "describe-availability-zones")["AvailabilityZones"]
    assert [(zone["ZoneName"], zone["State"]) for zone in zones] == [("nova", "available")]
    images = {image["Name"]: image for image in aws(cloud, "describe-images")["Images"]}
    assert {name: image["ImageId"][:4] for name, image in images.items()} == {
        "disk-tty": "ami-",
        **{f"{kind}-tty": f"{kind}-" for kind in ("aki", "ari", "ami")},
    }
    assert images["ami-tty"]["KernelId"] == images["aki-tty"]["ImageId"]
    assert images["ami-tty"]["RamdiskId"] == images["ari-tty"]["ImageId"]
    aws(cloud, "create-key-pair", "--key-name", "line")
    assert [pair["KeyName"] for pair in aws(cloud, "describe-key-pairs")["KeyPairs"]] == ["line"]
    aws(cloud, "delete-key-pair", "--key-name", "line")
    assert aws(cloud, "describe-key-pairs")["KeyPairs"] == []


def test_wrong_keys_are_rejected(cloud: Stack) -> None:
    """With a wrong access key, a wrong secret key or no key, the error is AuthFailure, and the log contains no traceback."""
    log = cloud.folder / "log" / "ec2-api.log"
    before = log.stat().st_size
    for wrong in ({"aws_secret_access_key": "wrong"}, {"aws_access_key_id": "wrong"}):
        with raises("AuthFailure"):
            client(cloud, **wrong).describe_regions()
    arguments = ["curl", "--silent", "--show-error", "http://127.0.0.1:8773/?Action=DescribeRegions&Version=2016-11-15"]
    body = subprocess.run(arguments, capture_output=True, check=True, text=True, timeout=10).stdout
    assert re.findall("<Code>(.*)</Code>", body) == ["AuthFailure"]
    assert b"Traceback" not in log.read_bytes()[before:]


@contextmanager
def other_keys(nova: openstack.connection.Connection) -> Iterator[tuple[str, str]]:
    """Yield the EC2 keys of a user of a new project."""
    access, secret = uuid.uuid4().hex, uuid.uuid4().hex
    identity: Any = nova.identity  # of version 3; the type of openstacksdk is that of both
    project = identity.create_project(name="objects", domain_id="default")
    user = identity.create_user(name="objects", domain_id="default", password=secret)
    try:
        identity.assign_project_role_to_user(project, user, identity.find_role("member"))
        blob = json.dumps({"access": access, "secret": secret})
        identity.create_credential(type="ec2", user_id=user.id, project_id=project.id, blob=blob)
        yield access, secret
    finally:
        identity.delete_user(user)
        identity.delete_project(project)


def test_objects_belong_to_projects(cloud: Stack) -> None:
    """An anonymous client is refused; the keys of novarc see the administrator's buckets, those of another user only its own."""
    rc = read_exports(cloud, "novarc", "dash")
    assert read_exports(cloud, "s3rc", "dash")["AWS_SECRET_ACCESS_KEY"] == rc["EC2_SECRET_KEY"]
    arguments = ["curl", "--silent", "--show-error", rc["S3_URL"]]
    assert "AccessDenied" in subprocess.run(arguments, capture_output=True, check=True, text=True, timeout=10).stdout
    with connected(cloud.folder / "credentials") as nova, other_keys(nova) as keys:
        admin, other = (
            boto3.client(
                "s3", endpoint_url=rc["S3_URL"], region_name="RegionOne", config=ONCE, aws_access_key_id=a, aws_secret_access_key=s
            )
            for a, s in ((rc["EC2_ACCESS_KEY"], rc["EC2_SECRET_KEY"]), keys)
        )
        admin.create_bucket(Bucket="of-admin")
        other.create_bucket(Bucket="of-other")
        assert [bucket["Name"] for bucket in admin.list_buckets(Prefix="of-")["Buckets"]] == ["of-admin"]
        assert [bucket["Name"] for bucket in other.list_buckets()["Buckets"]] == ["of-other"]
        for client, bucket in ((admin, "of-other"), (other, "of-admin")):
            with raises("AccessDenied"):
                client.list_objects_v2(Bucket=bucket)
        other.delete_bucket(Bucket="of-other")
        admin.delete_bucket(Bucket="of-admin")


def test_unknown_resources_are_rejected(ec2: Any) -> None:  # noqa: ANN401
    """Unknown images, flavors, keys and servers have EC2's error codes, and no server is created."""
    image = image_of(ec2)
    with raises("InvalidAMIID.NotFound"):
        ec2.run_instances(ImageId="ami-00000099", MinCount=1, MaxCount=1)
    with raises("InvalidParameterValue"):
        ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t2.micro")
    with raises("InvalidKeyPair.NotFound"):
        ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, KeyName="unknown")
    with raises("InvalidInstanceID.NotFound"):
        ec2.terminate_instances(InstanceIds=["i-00000099"])
    assert ec2.describe_instances()["Reservations"] == []


def test_a_server_beyond_the_quota_is_rejected(cloud: Stack, ec2: Any) -> None:  # noqa: ANN401
    """The error names the limit; neither a server nor a port is left."""
    with connected(cloud.folder / "credentials") as nova, ExitStack() as cleanup:
        project = str(nova.current_project_id)
        cleanup.callback(nova.delete_compute_quotas, project)
        nova.set_compute_quotas(project, instances=0)
        with raises("InstanceLimitExceeded"):
            ec2.run_instances(ImageId=image_of(ec2), MinCount=1, MaxCount=1, InstanceType="m1.tiny")
        assert [*nova.compute.servers()] == []
        assert [*nova.network.ports(device_owner="compute:nova")] == []
    assert ec2.describe_instances()["Reservations"] == []


def test_an_address_beyond_the_range_is_rejected(cloud: Stack, ec2: Any) -> None:  # noqa: ANN401
    """When all addresses of FLOATING_RANGE are allocated, the next request fails; a released address can be allocated again."""
    with connected(cloud.folder / "credentials") as nova, ExitStack() as cleanup:
        public = nova.network.find_subnet("public", ignore_missing=False)
        cleanup.callback(nova.network.update_subnet, public, allocation_pools=public.allocation_pools)
        # The pool contains only one address, because the allocation of each takes a second.
        # Neutron has chosen the router's address at random: it can be any of the range.
        used = {fixed["ip_address"] for port in nova.network.ports(network_id=public.network_id) for fixed in port.fixed_ips}
        free = max({str(address) for address in IPv4Network(public.cidr).hosts()} - used - {public.gateway_ip})
        nova.network.update_subnet(public, allocation_pools=[{"start": free, "end": free}])
        for _ in range(2):
            assert ec2.allocate_address()["PublicIp"] == free
            with raises("InsufficientAddressCapacity"):
                ec2.allocate_address()
            ec2.release_address(PublicIp=free)
    assert ec2.describe_addresses()["Addresses"] == []


def test_key_pairs_and_security_groups(ec2: Any) -> None:  # noqa: ANN401
    """They are listed until they are deleted."""
    assert ec2.create_key_pair(KeyName="ec2")["KeyMaterial"].startswith("-----BEGIN")
    with raises("InvalidKeyPair.Duplicate"):
        ec2.create_key_pair(KeyName="ec2")
    ec2.create_security_group(GroupName="ec2", Description="test")
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupName="ec2", IpPermissions=[rule])
    assert [one["FromPort"] for one in groups_of(ec2)["ec2"]["IpPermissions"]] == [80]
    ec2.revoke_security_group_ingress(GroupName="ec2", IpPermissions=[rule])
    assert groups_of(ec2)["ec2"]["IpPermissions"] == []
    ec2.delete_key_pair(KeyName="ec2")
    ec2.delete_security_group(GroupName="ec2")
    assert "ec2" not in groups_of(ec2)
    assert "ec2" not in [pair["KeyName"] for pair in ec2.describe_key_pairs()["KeyPairs"]]


def test_a_volume_is_created_and_deleted(ec2: Any) -> None:  # noqa: ANN401
    """It becomes available, and is not listed after its deletion; a volume beyond the quota is rejected."""
    created = ec2.create_volume(Size=1, AvailabilityZone="nova")["VolumeId"]
    wait_for("available", lambda: volumes_of(ec2) == {created: ["available"]})
    with raises("VolumeLimitExceeded"):
        ec2.create_volume(Size=2000, AvailabilityZone="nova")
    ec2.delete_volume(VolumeId=created)
    wait_for("the deletion", lambda: volumes_of(ec2) == {})
    with raises("InvalidVolume.NotFound"):
        ec2.delete_volume(VolumeId=created)


def test_an_instance_has_an_address_and_a_volume(ec2: Any) -> None:  # noqa: ANN401
    """An instance is started, gets an address and a volume, loses both, and is terminated."""
    created = ec2.run_instances(ImageId=image_of(ec2), MinCount=1, MaxCount=1, InstanceType="m1.tiny")["Instances"][0]["InstanceId"]
    try:
        wait_for("running", lambda: state_of(ec2, created) == "running", BOOT_S)
        address = ec2.allocate_address()["PublicIp"]
        ec2.associate_address(InstanceId=created, PublicIp=address)
        assert [one.get("InstanceId") for one in ec2.describe_addresses()["Addresses"]] == [created]
        ec2.disassociate_address(PublicIp=address)
        ec2.release_address(PublicIp=address)
        volume = ec2.create_volume(Size=1, AvailabilityZone="nova")["VolumeId"]
        wait_for("available", lambda: volumes_of(ec2) == {volume: ["available"]})
        ec2.attach_volume(VolumeId=volume, InstanceId=created, Device="/dev/vdb")
        wait_for("attached", lambda: volumes_of(ec2) == {volume: ["in-use", "attached"]})
        ec2.detach_volume(VolumeId=volume)
        wait_for("detached", lambda: volumes_of(ec2) == {volume: ["available"]})
        ec2.delete_volume(VolumeId=volume)
        wait_for("the console", lambda: "tty: lease of" in ec2.get_console_output(InstanceId=created).get("Output", ""), BOOT_S)
    finally:
        ec2.terminate_instances(InstanceIds=[created])
    wait_for("terminated", lambda: state_of(ec2, created) in {"terminated", ""}, BOOT_S)


def image_of(ec2: Any) -> str:  # noqa: ANN401
    """Return EC2's id of the bootable image."""
    found: str = next(one["ImageId"] for one in ec2.describe_images()["Images"] if one["Name"] == "ami-tty")
    return found


def volumes_of(ec2: Any) -> dict[str, list[str]]:  # noqa: ANN401
    """Return the state of each volume and of its attachments, by its id."""
    volumes = ec2.describe_volumes()["Volumes"]
    return {one["VolumeId"]: [one["State"], *(attachment["State"] for attachment in one["Attachments"])] for one in volumes}


def groups_of(ec2: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the security groups by name."""
    return {group["GroupName"]: group for group in ec2.describe_security_groups()["SecurityGroups"]}


def state_of(ec2: Any, instance: str) -> str:  # noqa: ANN401
    """Return the state of an instance; empty if it is not listed."""
    found = [one for group in ec2.describe_instances()["Reservations"] for one in group["Instances"] if one["InstanceId"] == instance]
    return found[0]["State"]["Name"] if found else ""
