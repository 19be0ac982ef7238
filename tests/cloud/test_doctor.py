"""Settings that do not suit the machine are rejected before anything is changed."""

# ruff: noqa: S603, TID251 - tests start known programs

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.stacks import NOVAFLOW

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(120), pytest.mark.usefixtures("cloud_machine")]

# A machine with a default route over one interface, an address on a second one, and an unused third one.
INTERFACES = """
ip link set lo up
ip link add out0 type veth peer name out1
ip link set out1 up
ip link set out0 up
ip address add 10.1.0.5/24 dev out0
ip route add default via 10.1.0.1 dev out0
ip route add 10.8.0.0/16 via 10.1.0.1
ip link add used0 type veth peer name used1
ip address add 10.2.0.5/24 dev used0
ip link add free0 type veth peer name free1
"""
FULL_DISK = "mount -t tmpfs -o size=1m full /mnt && echo kept >/mnt/kept"
READ_ONLY_DISK = "mount -t tmpfs -o ro locked /mnt"


def call(setup: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run novaflow in new network and mount namespaces, after the commands ``setup``."""
    script = f'set -e\n{INTERFACES}\n{setup}\nexec "$0" "$@"'
    enter = ("unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", script)
    argv = [*enter, str(NOVAFLOW), *arguments]
    return subprocess.run(argv, env={**os.environ, **settings}, cwd="/", capture_output=True, check=False, text=True, timeout=60)


def run_doctor(folder: Path, setup: str, **settings: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Return the exit code of doctor and its results by their subject."""
    completed = call(setup, "doctor", "--json", str(folder), **settings)
    return completed.returncode, {result["about"]: result for result in json.loads(completed.stdout)}


BRIDGES_OF_OTHERS = """
mount -t sysfs sysfs /sys
ip link add br-ex type bridge
ip link add br-int type bridge
ip link set br-ex alias '{alias}'
"""


@pytest.mark.parametrize(
    ("alias", "found", "advice"),
    [
        ("", "", "stop the program that uses them, or remove them: ip link delete br-ex; ip link delete br-int"),
        (
            "novaflow:{folder}/it is removed",
            "; they belong to the stack in {folder}/it is removed",
            "stop the program that uses them, or remove them: ip link delete br-ex; ip link delete br-int",
        ),
        (
            "novaflow:{folder}/a stack",
            "; they belong to the stack in {folder}/a stack",
            "stop that stack: novaflow clean '{folder}/a stack'",
        ),
    ],
)
def test_bridges_of_others_are_named(tmp_path: Path, alias: str, found: str, advice: str) -> None:
    """The result names the stack that they belong to, which may have been killed, and the command that removes them."""
    (tmp_path / "a stack").mkdir()
    code, results = run_doctor(tmp_path / "nova", BRIDGES_OF_OTHERS.format(alias=alias.format(folder=tmp_path)))
    assert code == 5
    always = "network interfaces with these names exist that are not the stack's: br-ex, br-int"
    assert results["bridges"]["found"] == always + found.format(folder=tmp_path)
    assert results["bridges"]["advice"] == advice.format(folder=tmp_path)


def test_a_suitable_machine_passes(tmp_path: Path) -> None:
    """Unused interfaces and ranges, an address of the machine and writable folders are accepted."""
    code, found = run_doctor(
        tmp_path / "nova",
        "mount -t tmpfs -o size=300m disks /mnt",
        INTERFACE="free0",
        FLAT_INTERFACE="free1",
        HOST_IP="10.2.0.5",
        INSTANCES_PATH="/mnt/new/instances",
        LOCK_PATH="/mnt/locks",
    )
    assert code == 0
    assert found["network interfaces"]["found"] == "free0, free1 will be used"
    assert found["servers' disks"]["found"].endswith("MiB free for /mnt/new/instances")
    assert not (tmp_path / "nova").exists()


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    """Each result has a reason and advice: routed ranges, an address of another machine, a full disk."""
    code, found = run_doctor(
        tmp_path / "nova", FULL_DISK, FIXED_RANGE="10.1.0.128/25", FLOATING_RANGE="10.8.1.0/24", HOST_IP="10.9.9.9", INSTANCES_PATH="/mnt"
    )
    bad = {about: (result["found"], result["advice"]) for about, result in found.items() if result["severity"] == "bad"}
    assert code == 5
    assert bad == {
        "servers' addresses": ("10.1.0.128/25 overlaps 10.1.0.0/24, which is routed over out0", "choose another FIXED_RANGE"),
        "floating addresses": ("10.8.1.0/24 overlaps 10.8.0.0/16, which is routed over out0", "choose another FLOATING_RANGE"),
        "address": (
            "HOST_IP=10.9.9.9 is not an address of this machine: cannot assign requested address",
            "choose an address that `ip address` lists, or auto",
        ),
        "servers' disks": ("0 MiB free for /mnt; 200 MiB are required", "free disk space, or choose another INSTANCES_PATH"),
    }


def test_a_read_only_folder_is_rejected(tmp_path: Path) -> None:
    """The result contains the reason of the operating system."""
    code, found = run_doctor(tmp_path / "nova", READ_ONLY_DISK, INSTANCES_PATH="/mnt/instances", LOCK_PATH="/mnt/locks")
    assert code == 5
    assert found["servers' disks"]["found"] == "/mnt/instances cannot be written: /mnt: read-only file system"
    assert found["lock files"]["found"] == "/mnt/locks cannot be written: /mnt: read-only file system"


def test_an_interface_in_use_is_unwise(tmp_path: Path) -> None:
    """The result names both interfaces and their use."""
    code, found = run_doctor(tmp_path / "nova", "", INTERFACE="out0", FLAT_INTERFACE="used0")
    assert code == 5
    assert found["network interfaces"]["severity"] == "unwise"
    assert found["network interfaces"]["found"] == (
        "out0 is in use: it carries the default route and has the address 10.1.0.5; used0 is in use: it has the address 10.2.0.5"
    )


@pytest.mark.parametrize(("interface_name", "reason"), [("used0", "used0 is in use"), ("gone0", "no network interface is named gone0")])
def test_a_rejected_interface_prevents_up(tmp_path: Path, interface_name: str, reason: str) -> None:
    """Not even the folder of the stack is created."""
    completed = call("", "up", str(tmp_path / "nova"), INTERFACE=interface_name)
    assert completed.returncode == 5
    assert reason in completed.stderr
    assert not (tmp_path / "nova").exists()


def test_force_accepts_an_interface_in_use(tmp_path: Path) -> None:
    """With `--force`, `run` fails only because the stack is not installed."""
    completed = call("", "run", "--force", str(tmp_path / "nova"), INTERFACE="used0")
    assert completed.returncode == 2
    assert "is not installed" in completed.stderr


def test_kvm_is_rejected_where_it_does_not_work(tmp_path: Path) -> None:
    """Without KVM in the kernel, LIBVIRT_TYPE=kvm is an error, and `auto` selects emulation."""
    code, found = run_doctor(tmp_path / "nova", "mount --bind /dev/null /dev/kvm" if Path("/dev/kvm").exists() else "", LIBVIRT_TYPE="kvm")
    assert (code, found["virtualisation"]["severity"]) == (5, "bad")
    assert "LIBVIRT_TYPE=kvm requires it" in found["virtualisation"]["found"]
    code, found = run_doctor(tmp_path / "nova", "mount --bind /dev/null /dev/kvm" if Path("/dev/kvm").exists() else "")
    assert (code, found["virtualisation"]["severity"]) == (0, "warning")


def test_an_unreachable_ldap_server_is_rejected(tmp_path: Path) -> None:
    """The check of USE_OPENDJ=1 connects to the server."""
    settings = {"USE_LDAP": "1", "USE_OPENDJ": "1", "NOVAFLOW_LDAP_URL": "ldap://127.0.0.1:1389/ou=people,dc=example,dc=com"}
    code, found = run_doctor(tmp_path / "nova", "", **settings)
    assert (code, found["LDAP"]["severity"]) == (5, "bad")
    assert found["LDAP"]["found"] == "ldap://127.0.0.1:1389/ou=people,dc=example,dc=com is unreachable: connection refused"


def test_containers_need_cgroups(tmp_path: Path) -> None:
    """LIBVIRT_TYPE=lxc without mounted cgroups is an error that names the missing controllers."""
    code, found = run_doctor(tmp_path / "nova", "mount -t tmpfs none /sys/fs/cgroup", LIBVIRT_TYPE="lxc")
    assert (code, found["cgroups"]["severity"]) == (5, "bad")
    assert found["cgroups"]["found"] == "/sys/fs/cgroup has no cpuacct, devices, memory; LIBVIRT_TYPE=lxc requires it"
