"""`scrub` with the remains of a stack and similar resources of others, both created without a cloud."""

# ruff: noqa: S603, S607, TID251 - tests start known programs

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cloud.stacks import NOVAFLOW
from tests.support.terminals import require_program

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(120), pytest.mark.usefixtures("cloud_machine")]

NETWORK, OTHER_NETWORK = "aaaaaaaa-1111-2222-3333-444444444444", "bbbbbbbb-1111-2222-3333-444444444444"
PORT, OTHER_PORT = "1234abcd-ef", "deadbeef-00"
SWITCH = [
    "Open_vSwitch",
    {"op": "insert", "table": "Interface", "uuid-name": "i", "row": {"name": f"qvo{PORT}"}},
    {"op": "insert", "table": "Port", "uuid-name": "p", "row": {"name": f"qvo{PORT}", "interfaces": ["named-uuid", "i"]}},
    {"op": "insert", "table": "Bridge", "uuid-name": "b", "row": {"name": "br-int", "ports": ["named-uuid", "p"]}},
    {"op": "insert", "table": "Open_vSwitch", "row": {"bridges": ["named-uuid", "b"]}},
]
RULES = """
iptables -N neutron-openvswi-FORWARD
iptables -A FORWARD -j neutron-openvswi-FORWARD
iptables -N novaflow-out
iptables -A FORWARD -j novaflow-out
iptables -N mine
iptables -A INPUT -p tcp --dport 1 -j mine
"""
PORTS_RULES = """
ip link add qvo{port} type veth peer name qvb{port}
iptables -N neutron-openvswi-i{chain}
iptables -A neutron-openvswi-FORWARD -m physdev --physdev-out tap{port} --physdev-is-bridged -j neutron-openvswi-i{chain}
"""
CREATE = """
set -e
mkdir -p /run/netns && mount -t tmpfs names /run/netns
ovsdb-tool create {root}/data/ovs/conf.db /usr/share/openvswitch/vswitch.ovsschema
ovsdb-tool transact {root}/data/ovs/conf.db '{switch}' >/dev/null
ip link add br-int type bridge && ip link set br-int alias novaflow:{root}
ip link add br-ex type bridge && ip link set br-ex alias novaflow:{root}2
ip link add br-net type bridge
ip netns add qdhcp-{network}
ip netns add qrouter-{other_network}
ipset create NIPv4{network:.20} hash:net
mkdir {root}/run/place {root}/data/instances
mount -t tmpfs ours {root}/run/place
mount -t tmpfs its-users {root}/data/instances
"""
SHOW = """
ip -json link | python3 -c 'import json, sys; print("links", *sorted(each["ifname"] for each in json.load(sys.stdin)))'
echo namespaces $(ls /run/netns)
echo sets $(ipset list -name)
echo rules $(iptables-save | sed -n 's/^-A //p' | tr ' ' _)
echo mounts $(awk '{{ print $5 }}' /proc/self/mountinfo | grep ^{root})
"""


@dataclass(frozen=True, slots=True)
class Remains:
    """The folder of a crashed stack, a loop device of a file in it, and one of another file."""

    root: Path
    loop_device: str
    other_loop_device: str


@pytest.fixture
def remains(tmp_path: Path) -> Iterator[Remains]:
    """Return a folder with the files that a stack leaves."""
    require_program("ovsdb-tool")
    root = tmp_path / "nova"
    for folder in ("data/ovs", f"data/neutron/dhcp/{NETWORK}", "data/libvirt/etc/qemu", "run"):
        (root / folder).mkdir(parents=True)
    (root / "data/libvirt/etc/qemu/instance-00000001.xml").write_text("<domain/>")
    devices = []
    for image in (root / "data/disk.img", tmp_path / "disk.img"):
        image.write_bytes(bytes(1 << 20))
        devices.append(run("losetup", "--find", "--show", image).strip())
    yield Remains(root, *devices)
    for device in devices:
        subprocess.run(["losetup", "--detach", device], check=False, capture_output=True, timeout=10)


def run(*command: str | Path) -> str:
    """Run a program, which must succeed, and return its output."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def scrub(remains: Remains, *setup: str) -> tuple[list[dict[str, str]], dict[str, list[str]]]:
    """Create the resources in new namespaces, run `scrub`, and return what it removed and what exists afterwards."""
    script = [
        part.format(root=remains.root, network=NETWORK, other_network=OTHER_NETWORK, switch=json.dumps(SWITCH)) for part in (CREATE, SHOW)
    ]
    commands = "\n".join(
        [script[0], *setup, f"{NOVAFLOW} scrub --json {remains.root} >{remains.root}.json 2>{remains.root}.log", script[1]]
    )
    output = run("unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", commands)
    lines = [line.split() for line in output.splitlines()]
    return json.loads(Path(f"{remains.root}.json").read_text()), {words[0]: words[1:] for words in lines}


def test_only_resources_of_the_stack_are_removed(remains: Remains) -> None:
    """They are identified by ids, aliases and files; chains and ipsets that another stack uses are kept."""
    ports = [PORTS_RULES.format(port=port, chain=port[:10]) for port in (PORT, OTHER_PORT)]
    removed, after = scrub(remains, RULES, *ports)
    names = {one["kind"]: {each["name"] for each in removed if each["kind"] == one["kind"]} for one in removed}
    assert names["link"] == {"br-int", f"qvo{PORT}", f"qvb{PORT}"}
    assert names["namespace"] == {f"qdhcp-{NETWORK}"}
    assert names["domain"] == {"instance-00000001"}
    assert names["mount"] == {f"{remains.root}/run/place"}
    assert names["loop device"] == {remains.loop_device}
    assert "ipset" not in names
    assert after["links"] == ["br-ex", "br-net", "lo", f"qvb{OTHER_PORT}", f"qvo{OTHER_PORT}"]
    assert after["namespaces"] == [f"qrouter-{OTHER_NETWORK}"]
    assert after["sets"] == [f"NIPv4{NETWORK:.20}"]
    assert after["mounts"] == [f"{remains.root}/data/instances"]
    assert [rule for rule in after["rules"] if PORT[:10] in rule or "novaflow" in rule] == []
    assert len([rule for rule in after["rules"] if "neutron-openvswi" in rule]) == 2
    assert "INPUT_-p_tcp_-m_tcp_--dport_1_-j_mine" in after["rules"]
    assert remains.other_loop_device in run("losetup", "--list", "--noheadings", "--output", "NAME")


def test_chains_and_ipsets_of_a_single_stack_are_removed(remains: Remains) -> None:
    """The rules of the machine's owner are kept."""
    removed, after = scrub(remains, RULES, PORTS_RULES.format(port=PORT, chain=PORT[:10]))
    assert {"iptables", "ipset"} <= {one["kind"] for one in removed}
    assert after["sets"] == []
    assert after["rules"] == ["INPUT_-p_tcp_-m_tcp_--dport_1_-j_mine"]
