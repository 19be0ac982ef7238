"""EC2 on 8773 and S3 on 3333, by Amazon's own client with the keys of novarc."""

# ruff: noqa: S603, TID251 - the programs tests start are their own

import subprocess
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.cloud.clients import BOOT_S, wait_for
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]
ONCE = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})


def read_novarc(stack: Stack, shell: str) -> dict[str, str]:
    """Return what a shell exports after it has read novarc."""
    command = f". {stack.folder}/credentials/novarc && env"
    said = subprocess.run([shell, "-euc", command], capture_output=True, check=True, text=True, timeout=10).stdout
    return dict(line.partition("=")[::2] for line in said.splitlines())


def client(stack: Stack, kind: str, **changed: str) -> Any:  # noqa: ANN401 - boto3 has no types
    """Return a client of EC2 or S3 with novarc's keys, but for what is changed."""
    rc = read_novarc(stack, "dash")
    keys = {"aws_access_key_id": rc["EC2_ACCESS_KEY"], "aws_secret_access_key": rc["EC2_SECRET_KEY"], **changed}
    return boto3.client(kind, endpoint_url=rc["EC2_URL" if kind == "ec2" else "S3_URL"], region_name="RegionOne", config=ONCE, **keys)


def test_novarc_is_read_by_bash_and_dash(cloud: Stack) -> None:
    """Both find the same keys and addresses, and the files they name."""
    bash, dash = (read_novarc(cloud, shell) for shell in ("bash", "dash"))
    names = ("EC2_ACCESS_KEY", "EC2_SECRET_KEY", "EC2_URL", "S3_URL", "EC2_USER_ID", "EC2_PRIVATE_KEY", "EC2_CERT", "NOVA_CERT")
    assert [bash[name] for name in (*names, "EUCALYPTUS_CERT")] == [dash[name] for name in (*names, "EUCALYPTUS_CERT")]
    assert all((cloud.folder / "credentials" / name).exists() for name in ("pk.pem", "cert.pem", "cacert.pem", "nova.zip"))


def test_a_wrong_key_is_refused(cloud: Stack) -> None:
    """The client gets AuthFailure, whichever half is wrong."""
    for wrong in ({"aws_secret_access_key": "wrong"}, {"aws_access_key_id": "wrong"}):
        with pytest.raises(ClientError) as refused:
            client(cloud, "ec2", **wrong).describe_regions()
        assert refused.value.response["Error"]["Code"] == "AuthFailure"


def test_an_unknown_image_is_refused(cloud: Stack) -> None:
    """The client gets EC2's own code for it."""
    with pytest.raises(ClientError) as refused:
        client(cloud, "ec2").run_instances(ImageId="ami-00000099", MinCount=1, MaxCount=1)
    assert refused.value.response["Error"]["Code"] == "InvalidAMIID.NotFound"


def test_key_pairs_and_groups_come_and_go(cloud: Stack) -> None:
    """What was made is described; what was deleted is not."""
    ec2 = client(cloud, "ec2")
    assert [region["RegionName"] for region in ec2.describe_regions()["Regions"]] == ["RegionOne"]
    assert ec2.create_key_pair(KeyName="ec2")["KeyMaterial"].startswith("-----BEGIN")
    ec2.create_security_group(GroupName="ec2", Description="of a test")
    opened = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupName="ec2", IpPermissions=[opened])
    group = next(one for one in ec2.describe_security_groups()["SecurityGroups"] if one["GroupName"] == "ec2")
    assert [rule["FromPort"] for rule in group["IpPermissions"]] == [80]
    ec2.delete_key_pair(KeyName="ec2")
    ec2.delete_security_group(GroupName="ec2")
    assert "ec2" not in [pair["KeyName"] for pair in ec2.describe_key_pairs()["KeyPairs"]]


def test_an_instance_runs_and_has_an_address(cloud: Stack) -> None:
    """From run_instances to terminate: running, on its console, given an address and rid of it."""
    ec2 = client(cloud, "ec2")
    image = next(one["ImageId"] for one in ec2.describe_images()["Images"] if one["Name"] == "ami-tty")
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="m1.tiny")["Instances"][0]["InstanceId"]
    try:
        wait_for("running", lambda: state_of(ec2, made) == "running", BOOT_S)
        address = ec2.allocate_address()["PublicIp"]
        ec2.associate_address(InstanceId=made, PublicIp=address)
        assert [one.get("InstanceId") for one in ec2.describe_addresses()["Addresses"]] == [made]
        ec2.disassociate_address(PublicIp=address)
        ec2.release_address(PublicIp=address)
        wait_for("the console", lambda: "tty: lease of" in ec2.get_console_output(InstanceId=made)["Output"], BOOT_S)
    finally:
        ec2.terminate_instances(InstanceIds=[made])
    wait_for("terminated", lambda: state_of(ec2, made) in {"terminated", ""}, BOOT_S)


def state_of(ec2: Any, instance: str) -> str:  # noqa: ANN401
    """Return an instance's state, nothing if it is known no more."""
    found = [one for held in ec2.describe_instances()["Reservations"] for one in held["Instances"] if one["InstanceId"] == instance]
    return found[0]["State"]["Name"] if found else ""


def test_volumes_come_and_go(cloud: Stack) -> None:
    """A volume becomes available, and is gone after it was deleted."""
    ec2 = client(cloud, "ec2")
    volume = ec2.create_volume(Size=1, AvailabilityZone="nova")["VolumeId"]
    wait_for("available", lambda: ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["State"] == "available")
    ec2.delete_volume(VolumeId=volume)
    wait_for("gone", lambda: volume not in [one["VolumeId"] for one in ec2.describe_volumes()["Volumes"]])


def test_an_object_of_100_mib_is_kept(cloud: Stack) -> None:
    """What comes back is what was put, to the byte."""
    s3, whole = client(cloud, "s3"), bytes(range(256)) * (100 << 12)
    s3.create_bucket(Bucket="large")
    s3.put_object(Bucket="large", Key="ü/one", Body=whole)
    assert s3.get_object(Bucket="large", Key="ü/one")["Body"].read() == whole
    s3.delete_object(Bucket="large", Key="ü/one")
    s3.delete_bucket(Bucket="large")
