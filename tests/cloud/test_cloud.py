"""The cloud as a whole: start, servers, events, status, `scrub` and `clean`."""

# ruff: noqa: S603, S607, TID251 - tests start known programs

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import openstack
import pika  # type: ignore[import-untyped]
import psutil
import pytest
from openstack.compute.v2.server import Server

from tests.cloud.clients import address_of, connected, console, virsh, wait_for, wait_for_ping
from tests.cloud.clients import server as server_of
from tests.cloud.machine_state import processes_of, read_command_line, read_state
from tests.cloud.stacks import Stack, stack_in_folder

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1200), pytest.mark.filterwarnings("ignore")]

PROGRAMS = {
    "ovsdb-server": "/usr/sbin/ovsdb-server",
    "ovs-vswitchd": "/usr/lib/openvswitch-switch/ovs-vswitchd",
    "libvirtd": "/usr/sbin/libvirtd",
    "rabbitmq": "beam.smp",
    "mariadb": "/usr/sbin/mariadbd",
    "keystone": "gunicorn: worker [keystone]",
    "placement": "gunicorn: worker [placement]",
    "glance": "gunicorn: worker [glance]",
    "nova-fork-server": "fork_server.py",
    "neutron-fork-server": "fork_server.py",
    "nova-api": "gunicorn: worker [nova-api]",
    "nova-conductor": "nova-conductor",
    "nova-scheduler": "nova-scheduler",
    "nova-compute": "nova-compute",
    "nova-novncproxy": "nova-novncproxy",
    "neutron-api": "gunicorn: worker [neutron-api]",
    "neutron-rpc-server": "neutron-rpc-server",
    "neutron-periodic-workers": "neutron-periodic-workers",
    "neutron-openvswitch-agent": "neutron-openvswitch-agent",
    "neutron-dhcp-agent": "neutron-dhcp-agent",
    "neutron-l3-agent": "neutron-l3-agent",
    "neutron-metadata-agent": "neutron-metadata-agent",
    "nova-metadata": "gunicorn: worker [nova-metadata]",
    "ceph-mon": "ceph-mon",
    "ceph-mgr": "ceph-mgr",
    "ceph-osd": "ceph-osd",
    "cinder-api": "gunicorn: worker [cinder-api]",
    "cinder-scheduler": "cinder-scheduler",
    "cinder-volume": "cinder-volume",
    "ec2-api": "ec2-api",
    "objectstore": "gunicorn: worker [objectstore]",
}
STATUS_KEYS = {"stack", "state", "since", "run_id", "ready_after_s", "url", "services", "events"}
SERVICE_KEYS = {"name", "component", "state", "pid", "port", "ready_after_s", "restarts", "reason"}
TIMEOUT_S = 10
BOOT_S = 300  # of ten servers, with emulated processors, on two cores


@pytest.fixture
def nova(cloud: Stack) -> Iterator[openstack.connection.Connection]:
    """Return a connection of openstacksdk with the credentials of the stack's clouds.yaml."""
    with connected(cloud.folder / "credentials") as connection:
        yield connection


def test_verify_boots_a_server(cloud: Stack) -> None:
    """`verify` boots a server, waits for its lease, pings it and deletes it."""
    output = cloud("verify").stdout
    assert all(step in output for step in ("verify.boot", "verify.lease", "verify.ping", "verify.delete", "verify succeeded"))


def test_verify_full_uses_the_whole_cloud(cloud: Stack, nova: openstack.connection.Connection) -> None:
    """Every check succeeds, and all resources that the checks create are deleted."""
    output = cloud("verify", "--full", within_s=900).stdout
    steps = re.findall(r"✔ verify-full\.(\w+) +succeeded", output)
    assert {*steps} == {"boot", "console", "screen", "metadata", "floating", "volume", "ec2", "objects", "delete"}
    storage: Any = nova.block_storage
    left = (nova.compute.servers(), nova.compute.keypairs(), nova.network.ips(), storage.volumes())
    assert [[*each] for each in left] == [[], [], [], []]


def test_events_report_the_life_of_a_server(cloud: Stack) -> None:
    """Notifications of nova about a server become events of the stack, in order."""
    cloud("verify")
    states = ["create-start", "create-end", "delete-start", "delete-end"]
    deadline = time.monotonic() + TIMEOUT_S
    reported: list[str] = []
    while reported[-4:] != states and time.monotonic() < deadline:  # nova sends the last one after the API has deleted the server
        lines = cloud("events", "--kind", "instance", "--json").stdout.splitlines()
        reported = [state for line in lines if (state := json.loads(line)["type"].rpartition(".")[2]) in states]
    assert reported[-4:] == states


def test_a_second_up_changes_nothing(cloud: Stack) -> None:
    """The run is still the same."""
    before = cloud.status()["run_id"]
    assert "is already up" in cloud.up()
    assert cloud.status()["run_id"] == before


def test_another_stack_is_refused(cloud: Stack) -> None:
    """The error names the stack that is up, and how to stop it; nothing is created."""
    other = Stack(cloud.folder.with_name("other"))
    refused = other("up", good=False)
    assert refused.returncode == 5
    assert f"they belong to the stack in {cloud.folder}; stop that stack: novaflow clean {cloud.folder}" in refused.stderr
    assert not other.folder.exists()
    assert cloud.status()["state"] == "ready"


def test_a_server_of_openstacksdk_answers_a_ping(nova: openstack.connection.Connection) -> None:
    """A server that openstacksdk creates becomes ACTIVE, answers a ping and can be deleted."""
    server = create_server(nova, "one")
    try:
        server = nova.compute.wait_for_server(server, wait=BOOT_S)
        wait_for_ping(nova, server)
    finally:
        nova.compute.delete_server(server)
    nova.compute.wait_for_delete(server, wait=BOOT_S)


def test_a_server_that_has_just_booted_answers_the_power_button(cloud: Stack, nova: openstack.connection.Connection) -> None:
    """One press is enough: nova presses again after 10 s only."""
    with server_of(nova, "button") as server:
        wait_for("the boot", lambda: "tty: ready after" in console(nova, server.id), BOOT_S)
        domain = nova.compute.get_server(server.id).instance_name
        virsh(cloud.folder, "shutdown", domain)
        wait_for("its end", lambda: virsh(cloud.folder, "domstate", domain) == "shut off", BOOT_S)


def test_ten_servers_at_once(cloud: Stack, nova: openstack.connection.Connection) -> None:
    """All become ACTIVE with different addresses; `terminate` deletes them and the server of another project."""
    try:
        with ThreadPoolExecutor(10) as threads:
            servers = [*threads.map(lambda each: create_server(nova, f"ten-{each}"), range(10))]
        servers = [wait_for("the boot", partial(built, nova, server), BOOT_S) for server in servers]
        assert [(server.status, server.fault) for server in servers] == [("ACTIVE", None)] * 10
        assert len({address_of(server) for server in servers}) == 10
        nova.compute.wait_for_server(create_in_another_project(nova), wait=BOOT_S)
    finally:
        output = cloud("terminate").stdout
    assert "deleted 11 servers" in output
    assert [*nova.compute.servers(all_projects=True)] == []
    assert {service["state"] for service in cloud.status()["services"]} == {"ready"}
    assert "no servers" in cloud("terminate").stdout


def test_a_subscriber_reads_every_event_in_order(cloud: Stack) -> None:
    """The client pika reads the stream queue from the first event, without a gap; a service is ready after its start."""
    published = cloud.status()["events"]["published"]
    login = json.loads((cloud.folder / "credentials" / "events.json").read_text())
    with pika.BlockingConnection(pika.URLParameters(login["url"])) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=100)
        messages = channel.consume(f"{login['exchange']}.log", arguments={"x-stream-offset": "first"}, inactivity_timeout=TIMEOUT_S)
        events: dict[str, dict[str, Any]] = {}
        for method, _, body in messages:
            assert method is not None, f"no message after {len(events)} of {published} events"
            channel.basic_ack(method.delivery_tag)
            event = json.loads(body)
            events.setdefault(event["id"], event)
            if len(events) == published:
                break
        channel.cancel()
    assert [int(event["sequence"]) for event in events.values()] == [*range(1, published + 1)]
    assert {event["source"] for event in events.values()} == {next(iter(events.values()))["source"]}
    order = [(event["type"], event["subject"]) for event in events.values()]
    for service in PROGRAMS:
        assert order.index(("novaflow.service.started", service)) < order.index(("novaflow.service.ready", service))
    assert order.index(("novaflow.service.ready", "rabbitmq")) < order.index(("novaflow.stack.ready", cloud.folder.name))


def test_status_follows_its_schema(cloud: Stack) -> None:
    """`status --json` has all fields, and their values are right."""
    status = cloud.status()
    assert status.keys() >= STATUS_KEYS
    assert (status["stack"], status["state"]) == ("nova", "ready")
    assert (status["url"]["compute"], status["url"]["ec2"]) == ("http://127.0.0.1:8774/v2.1", "http://127.0.0.1:8773/")
    assert status["ready_after_s"] > 0
    assert all(service.keys() >= SERVICE_KEYS for service in status["services"])
    assert {service["state"] for service in status["services"]} == {"ready"}
    assert status["events"]["broker"] == "up"


def test_every_service_is_the_real_program(cloud: Stack) -> None:
    """Each service in `status` is the program of its name, and listens on its port and on no other address than 127.0.0.1."""
    services = {service["name"]: service for service in cloud.status()["services"]}
    assert services.keys() == PROGRAMS.keys()
    for name, program in PROGRAMS.items():
        leader = psutil.Process(services[name]["pid"])
        running: list[str] = []
        listening: set[Any] = set()
        for member in (leader, *leader.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # a short-lived `ip` or `ovs-vsctl` of an agent
                running.append(f"{member.exe()} {read_command_line(member.pid)}")
                listening |= {each.laddr for each in member.net_connections() if each.status == psutil.CONN_LISTEN}
        assert any(program in line for line in running), f"{name} runs as {running}"
        assert {place.ip for place in listening} <= {"127.0.0.1"}, f"{name} listens on {listening}"
        if port := services[name]["port"]:
            assert port in {place.port for place in listening}, f"{name} listens on {listening}"


def test_the_garbage_collector_runs_less_often(cloud: Stack) -> None:
    """Programs of both environments start faster with another threshold."""
    for environment in ("venv", "venv-ec2"):
        python = cloud.folder / environment / "bin" / "python"
        output = subprocess.check_output([python, "-c", "import gc; print(gc.get_threshold()[0])"], text=True)
        assert int(output) == 10_000


def test_only_the_owner_can_read_passwords(cloud: Stack) -> None:
    """The files of credentials have no permissions for others."""
    credentials = cloud.folder / "credentials"
    assert credentials.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in credentials.iterdir()} >= {"openrc", "clouds.yaml", "events.json"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in credentials.iterdir())


@pytest.mark.stops_cloud
def test_scrub_removes_the_remains_of_a_crash(cloud: Stack, nova: openstack.connection.Connection) -> None:
    """`scrub --dry-run` lists what a killed stack left, `scrub` removes it; similar resources of others are kept."""
    nova.compute.wait_for_server(create_server(nova, "left", create_trunk(nova)), wait=BOOT_S)
    namespaces = [line for line in read_state() - cloud.before if line.startswith("namespace ")]
    kill_all_of(cloud.folder)
    with similar_resources() as others:
        crashed = read_state()
        assert {line.split()[0] for line in crashed - cloud.before - others} >= {"link", "namespace", "iptables", "ip6tables", "set"}
        found = json.loads(cloud("scrub", "--dry-run", "--json").stdout)
        assert read_state() == crashed
        assert {f"namespace {one['name']}" for one in found if one["kind"] == "namespace"} == {*namespaces}
        assert {one["name"] for one in found if one["kind"] == "link"} >= {"br-int", "br-net", "br-ex"}
        assert {one["kind"] for one in found} >= {"domain", "socket", "ipset", "iptables"}
        assert f"{len(found)} were removed" in cloud("scrub").stdout
        assert read_state() - cloud.before == others
    assert processes_of(cloud.folder) == {}
    assert "nothing to remove" in cloud("scrub").stdout
    assert cloud("status", good=False).returncode == 6


@pytest.mark.long
@pytest.mark.stops_cloud
def test_a_cloud_with_sqlite_boots_a_server(stack: Stack) -> None:
    """With USE_MYSQL=0 the stack runs without MariaDB and reports the limits of SQLite."""
    stack("clean")  # both use the same ports
    with stack_in_folder("lite", USE_MYSQL="0") as lite:
        assert "SQLite: one service writes at a time" in lite.up()
        assert "mariadb" not in {service["name"] for service in lite.status()["services"]}
        lite("verify")


@pytest.mark.stops_cloud
def test_clean_leaves_nothing_behind(cloud: Stack) -> None:
    """After `clean`, even with a running server, the state of the machine is as before `up`."""
    with connected(cloud.folder / "credentials") as nova:
        nova.compute.wait_for_server(create_server(nova, "left", create_trunk(nova)), wait=BOOT_S)
    assert any(line.startswith("link tbr-") for line in read_state())
    assert any("qemu-system" in line for line in processes_of(cloud.folder).values())
    assert read_state() - cloud.before
    cloud("clean")
    assert processes_of(cloud.folder) == {}
    assert read_state() - cloud.before == set()
    assert cloud("status", good=False).returncode == 6


def kill_all_of(folder: Path) -> None:
    """Kill the supervisor and all programs of a stack, and wait until they have exited."""
    for pid in processes_of(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_for("the exit of all programs", lambda: not processes_of(folder))


@contextmanager
def similar_resources() -> Iterator[set[str]]:
    """Create a bridge and two namespaces that resemble those of a stack, and return them as ``read_state`` does."""
    before, stranger = read_state(), "11111111-2222-3333-4444-555555555555"
    commands = [
        ("link", "add", "br-mine", "type", "bridge"),
        ("netns", "add", f"qrouter-{stranger}"),
        ("netns", "add", f"qdhcp-{stranger}"),
    ]
    for command in commands:
        subprocess.run(["ip", *command], check=True, timeout=TIMEOUT_S)
    try:
        yield read_state() - before
    finally:
        for kind, _, name, *_ in commands:
            subprocess.run(["ip", kind, "delete", name], check=True, timeout=TIMEOUT_S)


def built(nova: openstack.connection.Connection, server: Server) -> Server | None:
    """Return the server after its boot has succeeded or failed; ``None`` before."""
    current: Server = nova.compute.get_server(server)
    return None if current.status == "BUILD" else current


def create_server(nova: openstack.connection.Connection, name: str, *ports: str) -> Server:
    """Create a server of the smallest flavor, with these ports beside that of its network."""
    image = nova.image.find_image("ami-tty", ignore_missing=False)
    flavor = nova.compute.find_flavor("m1.tiny", ignore_missing=False)
    network = nova.network.find_network("private", ignore_missing=False)
    networks = [{"uuid": network.id}, *({"port": port} for port in ports)]
    return nova.compute.create_server(name=name, image_id=image.id, flavor_id=flavor.id, networks=networks)


def create_trunk(nova: openstack.connection.Connection) -> str:
    """Create a trunk, for which the switch has a bridge while a server uses it, and return the id of its port."""
    network = nova.network.create_network(name="trunk")
    nova.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.77.0.0/24", gateway_ip=None)
    port = nova.network.create_port(network_id=network.id)
    nova.network.create_trunk(port_id=port.id)
    return str(port.id)


def create_in_another_project(nova: openstack.connection.Connection) -> Server:
    """Create a server without a network in another project, as a member of that project."""
    project = nova.create_project(name="another", domain_id="default")
    nova.grant_role("member", user="admin", project=project.id)
    with nova.connect_as_project(project) as another:
        image = another.image.find_image("ami-tty", ignore_missing=False)
        return another.compute.create_server(name="another", image_id=image.id, flavor_id="1", networks="none")
