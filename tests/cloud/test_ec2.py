"""EC2 on 8773, by Amazon's own clients with the keys of novarc."""

# ruff: noqa: S603, S607, TID251 - the programs tests start are their own

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.cloud.clients import BOOT_S, connected, wait_for
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]

AWS = Path(sys.executable).with_name("aws")
ONCE = Config(retries={"total_max_attempts": 1})
LAST_ADDRESS = "10.6.0.30"  # of FLOATING_RANGE
EC2_NAMES = "EC2_ACCESS_KEY EC2_SECRET_KEY EC2_URL S3_URL EC2_USER_ID EC2_PRIVATE_KEY EC2_CERT NOVA_CERT EUCALYPTUS_CERT"
OS_NAMES = "OS_AUTH_URL OS_USERNAME OS_PASSWORD OS_PROJECT_NAME OS_REGION_NAME"


def read_exports(stack: Stack, file: str, shell: str) -> dict[str, str]:
    """Return what a shell exports after it has read one of the credentials' files."""
    command = f". {stack.folder}/credentials/{file} && env"
    said = subprocess.run([shell, "-euc", command], capture_output=True, check=True, text=True, timeout=10).stdout
    return dict(line.partition("=")[::2] for line in said.splitlines())


def client(stack: Stack, **changed: str) -> Any:  # noqa: ANN401 - boto3 has no types
    """Return a client with novarc's keys, but for what is changed."""
    rc = read_exports(stack, "novarc", "dash")
    keys = {"aws_access_key_id": rc["EC2_ACCESS_KEY"], "aws_secret_access_key": rc["EC2_SECRET_KEY"], **changed}
    return boto3.client("ec2", endpoint_url=rc["EC2_URL"], region_name="RegionOne", config=ONCE, **keys)


def aws(stack: Stack, *words: str) -> Any:  # noqa: ANN401 - whatever JSON it prints
    """Return what Amazon's command line says to someone who has read novarc."""
    line = ". $0 && exec $@"
    argv: list[str | Path] = ["dash", "-euc", line, stack.folder / "credentials" / "novarc", AWS, "ec2", "--output", "json", *words]
    done = subprocess.run(argv, capture_output=True, check=False, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout or "null")


@contextmanager
def refused(code: str) -> Iterator[None]:
    """Expect a refusal with one of EC2's codes, and in words a person can read."""
    with pytest.raises(ClientError) as error:
        yield
    assert error.value.response["Error"]["Code"] == code
    assert "Traceback" not in error.value.response["Error"]["Message"]


@pytest.fixture
def ec2(cloud: Stack) -> Any:  # noqa: ANN401 - boto3 has no types
    """Lend a client of EC2."""
    return client(cloud)


def test_credentials_are_read_by_bash_and_dash(cloud: Stack) -> None:
    """Both shells find the same keys and addresses, and the files they name."""
    for file, names, address in (("novarc", EC2_NAMES, "http://127.0.0.1:8773/"), ("openrc", OS_NAMES, "http://127.0.0.1:5000/v3")):
        bash, dash = (read_exports(cloud, file, shell) for shell in ("bash", "dash"))
        assert [bash[name] for name in names.split()] == [dash[name] for name in names.split()]
        assert address in dash.values()
    novarc = read_exports(cloud, "novarc", "dash")
    assert all(Path(novarc[name]).is_file() for name in EC2_NAMES.split()[5:])


def test_nova_zip_is_whole_wherever_it_is_unpacked(cloud: Stack, tmp_path: Path) -> None:
    """What novarc names lies beside it; the certificate is the authority's, and the key is the certificate's."""
    with zipfile.ZipFile(cloud.folder / "credentials" / "nova.zip") as archive:
        archive.extractall(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"novarc", "pk.pem", "cert.pem", "cacert.pem"}
    check = """
    . $0/novarc
    openssl verify -CAfile "$NOVA_CERT" "$EC2_CERT"
    openssl x509 -in "$EC2_CERT" -noout -pubkey | cmp - <(openssl pkey -in "$EC2_PRIVATE_KEY" -pubout)
    """
    said = subprocess.run(["bash", "-eo", "pipefail", "-c", check, tmp_path], capture_output=True, check=False, text=True, timeout=10)
    assert (said.stdout, said.stderr) == (f"{tmp_path}/cert.pem: OK\n", "")


def test_amazons_command_line_finds_its_way_by_novarc(cloud: Stack) -> None:
    """Regions, zones, the three parts of the image and the machine's networks, asked for after `. novarc`."""
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


def test_who_is_unknown_is_refused(cloud: Stack) -> None:
    """Whichever half of the key is wrong, and without any, the client gets AuthFailure, and the log no traceback."""
    log = cloud.folder / "log" / "ec2-api.log"
    before = log.stat().st_size
    for wrong in ({"aws_secret_access_key": "wrong"}, {"aws_access_key_id": "wrong"}):
        with refused("AuthFailure"):
            client(cloud, **wrong).describe_regions()
    arguments = ["curl", "--silent", "--show-error", "http://127.0.0.1:8773/?Action=DescribeRegions&Version=2016-11-15"]
    said = subprocess.run(arguments, capture_output=True, check=True, text=True, timeout=10).stdout
    assert re.findall("<Code>(.*)</Code>", said) == ["AuthFailure"]
    assert b"Traceback" not in log.read_bytes()[before:]


def test_what_is_not_there_is_refused(ec2: Any) -> None:  # noqa: ANN401
    """An image, a flavor, a key and a server that nobody knows have EC2's own codes, and no server is made."""
    image = image_of(ec2)
    with refused("InvalidAMIID.NotFound"):
        ec2.run_instances(ImageId="ami-00000099", MinCount=1, MaxCount=1)
    with refused("InvalidParameterValue"):
        ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t2.micro")
    with refused("InvalidKeyPair.NotFound"):
        ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, KeyName="nobody")
    with refused("InvalidInstanceID.NotFound"):
        ec2.terminate_instances(InstanceIds=["i-00000099"])
    assert ec2.describe_instances()["Reservations"] == []


def test_more_than_the_quota_is_refused(cloud: Stack, ec2: Any) -> None:  # noqa: ANN401
    """The client is told of its limit, and no server and no port is left of what it asked for."""
    with connected(cloud.folder / "credentials") as nova, ExitStack() as undo:
        project = str(nova.current_project_id)
        undo.callback(nova.delete_compute_quotas, project)
        nova.set_compute_quotas(project, instances=0)
        with refused("InstanceLimitExceeded"):
            ec2.run_instances(ImageId=image_of(ec2), MinCount=1, MaxCount=1, InstanceType="m1.tiny")
        assert [*nova.compute.servers()] == []
        assert [*nova.network.ports(device_owner="compute:nova")] == []
    assert ec2.describe_instances()["Reservations"] == []


def test_when_all_addresses_are_taken_the_next_one_is_refused(cloud: Stack, ec2: Any) -> None:  # noqa: ANN401
    """FLOATING_RANGE ends, the client is told so, and what it gives back can be had again."""
    with connected(cloud.folder / "credentials") as nova, ExitStack() as undo:
        public = nova.network.find_subnet("public", ignore_missing=False)
        undo.callback(nova.network.update_subnet, public, allocation_pools=public.allocation_pools)
        # All but the last address are taken by making them no part of it: each one asked for takes a second.
        nova.network.update_subnet(public, allocation_pools=[{"start": LAST_ADDRESS, "end": LAST_ADDRESS}])
        for _ in range(2):
            assert ec2.allocate_address()["PublicIp"] == LAST_ADDRESS
            with refused("InsufficientAddressCapacity"):
                ec2.allocate_address()
            ec2.release_address(PublicIp=LAST_ADDRESS)
    assert ec2.describe_addresses()["Addresses"] == []


def test_key_pairs_and_groups_come_and_go(ec2: Any) -> None:  # noqa: ANN401
    """What was made is described; what was deleted is not."""
    assert ec2.create_key_pair(KeyName="ec2")["KeyMaterial"].startswith("-----BEGIN")
    with refused("InvalidKeyPair.Duplicate"):
        ec2.create_key_pair(KeyName="ec2")
    ec2.create_security_group(GroupName="ec2", Description="of a test")
    opened = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupName="ec2", IpPermissions=[opened])
    assert [rule["FromPort"] for rule in groups_of(ec2)["ec2"]["IpPermissions"]] == [80]
    ec2.revoke_security_group_ingress(GroupName="ec2", IpPermissions=[opened])
    assert groups_of(ec2)["ec2"]["IpPermissions"] == []
    ec2.delete_key_pair(KeyName="ec2")
    ec2.delete_security_group(GroupName="ec2")
    assert "ec2" not in groups_of(ec2)
    assert "ec2" not in [pair["KeyName"] for pair in ec2.describe_key_pairs()["KeyPairs"]]


def test_a_volume_comes_and_goes(ec2: Any) -> None:  # noqa: ANN401
    """It becomes available, and is gone after it was deleted; one beyond the quota is never there."""
    made = ec2.create_volume(Size=1, AvailabilityZone="nova")["VolumeId"]
    wait_for("available", lambda: volumes_of(ec2) == {made: ["available"]})
    with refused("VolumeLimitExceeded"):
        ec2.create_volume(Size=2000, AvailabilityZone="nova")
    ec2.delete_volume(VolumeId=made)
    wait_for("gone", lambda: volumes_of(ec2) == {})
    with refused("InvalidVolume.NotFound"):
        ec2.delete_volume(VolumeId=made)


def test_an_instance_runs_and_has_an_address(ec2: Any) -> None:  # noqa: ANN401
    """From run_instances to terminate: running, on its console, given an address and a volume and rid of both."""
    made = ec2.run_instances(ImageId=image_of(ec2), MinCount=1, MaxCount=1, InstanceType="m1.tiny")["Instances"][0]["InstanceId"]
    try:
        wait_for("running", lambda: state_of(ec2, made) == "running", BOOT_S)
        address = ec2.allocate_address()["PublicIp"]
        ec2.associate_address(InstanceId=made, PublicIp=address)
        assert [one.get("InstanceId") for one in ec2.describe_addresses()["Addresses"]] == [made]
        ec2.disassociate_address(PublicIp=address)
        ec2.release_address(PublicIp=address)
        volume = ec2.create_volume(Size=1, AvailabilityZone="nova")["VolumeId"]
        wait_for("available", lambda: volumes_of(ec2) == {volume: ["available"]})
        ec2.attach_volume(VolumeId=volume, InstanceId=made, Device="/dev/vdb")
        wait_for("attached", lambda: volumes_of(ec2) == {volume: ["in-use", "attached"]})
        ec2.detach_volume(VolumeId=volume)
        wait_for("detached", lambda: volumes_of(ec2) == {volume: ["available"]})
        ec2.delete_volume(VolumeId=volume)
        wait_for("the console", lambda: "tty: lease of" in ec2.get_console_output(InstanceId=made).get("Output", ""), BOOT_S)
    finally:
        ec2.terminate_instances(InstanceIds=[made])
    wait_for("terminated", lambda: state_of(ec2, made) in {"terminated", ""}, BOOT_S)


def image_of(ec2: Any) -> str:  # noqa: ANN401
    """Return the id that EC2 has for the image that boots."""
    found: str = next(one["ImageId"] for one in ec2.describe_images()["Images"] if one["Name"] == "ami-tty")
    return found


def volumes_of(ec2: Any) -> dict[str, list[str]]:  # noqa: ANN401
    """Return how each volume is, and how the server it is at has it, by its id."""
    volumes = ec2.describe_volumes()["Volumes"]
    return {one["VolumeId"]: [one["State"], *(held["State"] for held in one["Attachments"])] for one in volumes}


def groups_of(ec2: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the security groups by name."""
    return {group["GroupName"]: group for group in ec2.describe_security_groups()["SecurityGroups"]}


def state_of(ec2: Any, instance: str) -> str:  # noqa: ANN401
    """Return an instance's state, nothing if it is known no more."""
    found = [one for held in ec2.describe_instances()["Reservations"] for one in held["Instances"] if one["InstanceId"] == instance]
    return found[0]["State"]["Name"] if found else ""
