"""The main job: a real cloud on this machine, used by programs that are none of ours, and then gone."""

# ruff: noqa: S603, S607, TID251 - the programs tests start are their own

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
from itertools import count
from pathlib import Path
from typing import Any

import openstack
import pika  # type: ignore[import-untyped]
import psutil
import pytest
from openstack.compute.v2.server import Server

from tests.cloud.clients import connected, wait_for
from tests.cloud.looking import look, processes_of, read_words
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
SILENCE_S = 10
BOOT_S = 300  # ten at once, emulated, on two cores


@pytest.fixture
def nova(cloud: Stack) -> Iterator[openstack.connection.Connection]:
    """Lend a connection of OpenStack's own client, logged in by the stack's clouds.yaml."""
    with connected(cloud.folder / "credentials") as connection:
        yield connection


def test_verify_boots_a_server(cloud: Stack) -> None:
    """`verify` boots a server, sees its lease, pings and deletes it, and says so."""
    said = cloud("verify").stdout
    assert all(step in said for step in ("verify.boot", "verify.lease", "verify.ping", "verify.delete", "verify succeeded"))


def test_verify_full_uses_all_there_is_and_leaves_nothing(cloud: Stack, nova: openstack.connection.Connection) -> None:
    """Every part of the check says what it saw, and of what it made nothing is left."""
    said = cloud("verify", "--full", within_s=900).stdout
    steps = re.findall(r"✔ verify-full\.(\w+) +succeeded", said)
    assert {*steps} == {"boot", "console", "screen", "metadata", "floating", "volume", "ec2", "objects", "delete"}
    storage: Any = nova.block_storage
    left = (nova.compute.servers(), nova.compute.keypairs(), nova.network.ips(), storage.volumes())
    assert [[*each] for each in left] == [[], [], [], []]


def test_a_server_is_told_of(cloud: Stack) -> None:
    """What happens to a server is among the stack's events, in order, from nova itself."""
    cloud("verify")
    states = ["create-start", "create-end", "delete-start", "delete-end"]
    deadline = time.monotonic() + SILENCE_S
    told: list[str] = []
    while told[-4:] != states and time.monotonic() < deadline:  # the last one comes when the server is gone already
        lines = cloud("events", "--kind", "instance", "--json").stdout.splitlines()
        told = [state for line in lines if (state := json.loads(line)["type"].rpartition(".")[2]) in states]
    assert told[-4:] == states


def test_up_on_a_stack_that_is_up_says_so(cloud: Stack) -> None:
    """A second `up` touches nothing: the run is the same."""
    before = cloud.status()["run_id"]
    assert "is already up" in cloud.up()
    assert cloud.status()["run_id"] == before


def test_a_server_of_openstacks_own_client_answers_a_ping(nova: openstack.connection.Connection) -> None:
    """A server asked for through openstacksdk becomes ACTIVE, answers, and can be deleted."""
    server = ask_for_server(nova, "one")
    try:
        server = nova.compute.wait_for_server(server, wait=BOOT_S)
        wait_for_ping(nova, server)
    finally:
        nova.compute.delete_server(server)
    nova.compute.wait_for_delete(server, wait=BOOT_S)


def test_ten_servers_at_once(cloud: Stack, nova: openstack.connection.Connection) -> None:
    """Ten servers asked for at once all become ACTIVE, each with an address of its own; `terminate` ends them, and another project's."""
    try:
        with ThreadPoolExecutor(10) as askers:
            servers = [*askers.map(lambda each: ask_for_server(nova, f"ten-{each}"), range(10))]
        servers = [wait_for("the boot", partial(built, nova, server), BOOT_S) for server in servers]
        assert [(server.status, server.fault) for server in servers] == [("ACTIVE", None)] * 10
        assert len({address_of(server) for server in servers}) == 10
        nova.compute.wait_for_server(ask_in_another_project(nova), wait=BOOT_S)
    finally:
        said = cloud("terminate").stdout
    assert "deleted 11 servers" in said
    assert [*nova.compute.servers(all_projects=True)] == []
    assert {service["state"] for service in cloud.status()["services"]} == {"ready"}
    assert "no servers" in cloud("terminate").stdout


def test_the_broker_tells_every_event_in_order(cloud: Stack) -> None:
    """A client that is none of ours reads the log of events from 1 on, without a gap, and what they say of their order is true."""
    told = cloud.status()["events"]["published"]
    login = json.loads((cloud.folder / "credentials" / "events.json").read_text())
    with pika.BlockingConnection(pika.URLParameters(login["url"])) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=100)
        messages = channel.consume(f"{login['exchange']}.log", arguments={"x-stream-offset": "first"}, inactivity_timeout=SILENCE_S)
        events: dict[str, dict[str, Any]] = {}
        for method, _, body in messages:
            assert method is not None, f"silence after {len(events)} of {told} events"
            channel.basic_ack(method.delivery_tag)
            event = json.loads(body)
            events.setdefault(event["id"], event)
            if len(events) == told:
                break
        channel.cancel()
    assert [int(event["sequence"]) for event in events.values()] == [*range(1, told + 1)]
    assert {event["source"] for event in events.values()} == {next(iter(events.values()))["source"]}
    said = [(event["type"], event["subject"]) for event in events.values()]
    for service in PROGRAMS:
        assert said.index(("novaflow.service.started", service)) < said.index(("novaflow.service.ready", service))
    assert said.index(("novaflow.service.ready", "rabbitmq")) < said.index(("novaflow.stack.ready", cloud.folder.name))


def test_status_is_what_the_contract_says(cloud: Stack) -> None:
    """`status --json` has the contract's keys, and what it says is what is."""
    status = cloud.status()
    assert status.keys() >= STATUS_KEYS
    assert (status["stack"], status["state"]) == ("nova", "ready")
    assert (status["url"]["compute"], status["url"]["ec2"]) == ("http://127.0.0.1:8774/v2.1", "http://127.0.0.1:8773/")
    assert status["ready_after_s"] > 0
    assert all(service.keys() >= SERVICE_KEYS for service in status["services"])
    assert {service["state"] for service in status["services"]} == {"ready"}
    assert status["events"]["broker"] == "up"


def test_every_service_is_the_real_program(cloud: Stack) -> None:
    """What `status` calls a service lives, is the program of that name, and listens where it is said to, for this machine alone."""
    services = {service["name"]: service for service in cloud.status()["services"]}
    assert services.keys() == PROGRAMS.keys()
    for name, program in PROGRAMS.items():
        leader = psutil.Process(services[name]["pid"])
        running: list[str] = []
        listening: set[Any] = set()
        for member in (leader, *leader.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # an agent's `ip` or `ovs-vsctl` is over before it is asked
                running.append(f"{member.exe()} {read_words(member.pid)}")
                listening |= {each.laddr for each in member.net_connections() if each.status == psutil.CONN_LISTEN}
        assert any(program in words for words in running), f"{name} runs as {running}"
        assert {place.ip for place in listening} <= {"127.0.0.1"}, f"{name} listens on {listening}"
        if port := services[name]["port"]:
            assert port in {place.port for place in listening}, f"{name} listens on {listening}"


def test_python_looks_for_cycles_less_often(cloud: Stack) -> None:
    """The programs of both environments start faster so; what no interpreter takes from its environment is lost silently."""
    for environment in ("venv", "venv-ec2"):
        python = cloud.folder / environment / "bin" / "python"
        said = subprocess.check_output([python, "-c", "import gc; print(gc.get_threshold()[0])"], text=True)
        assert int(said) == 10_000


def test_passwords_are_their_owners(cloud: Stack) -> None:
    """Passwords lie in files only their owner can read."""
    credentials = cloud.folder / "credentials"
    assert credentials.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in credentials.iterdir()} >= {"openrc", "clouds.yaml", "events.json"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in credentials.iterdir())


def test_scrub_after_a_crash_removes_the_stacks_own_and_nothing_else(cloud: Stack, nova: openstack.connection.Connection) -> None:
    """Killed with a server running, the stack leaves much; `scrub --dry-run` lists it, `scrub` removes it, a neighbour's things stay."""
    nova.compute.wait_for_server(ask_for_server(nova, "left"), wait=BOOT_S)
    namespaces = [line for line in look() - cloud.before if line.startswith("namespace ")]
    kill_all_of(cloud.folder)
    with neighbours_things() as neighbours:
        crashed = look()
        assert {line.split()[0] for line in crashed - cloud.before - neighbours} >= {"link", "namespace", "iptables", "ip6tables", "set"}
        found = json.loads(cloud("scrub", "--dry-run", "--json").stdout)
        assert look() == crashed
        assert {f"namespace {one['name']}" for one in found if one["kind"] == "namespace"} == {*namespaces}
        assert {one["name"] for one in found if one["kind"] == "link"} >= {"br-int", "br-net", "br-ex"}
        assert {one["kind"] for one in found} >= {"domain", "socket", "set", "iptables"}
        assert f"{len(found)} were removed" in cloud("scrub").stdout
        assert look() - cloud.before == neighbours
    assert processes_of(cloud.folder) == {}
    assert "nothing to remove" in cloud("scrub").stdout
    assert cloud("status", good=False).returncode == 6


@pytest.fixture(scope="module")
def lite(stack: Stack) -> Iterator[Stack]:
    """Lend a stack without a MariaDB, which may be up or not."""
    stack("clean")  # the two would want the same ports
    with stack_in_folder("lite", USE_MYSQL="0") as lite:
        yield lite


def test_sqlite_serves_one_server_and_says_so(lite: Stack) -> None:
    """With USE_MYSQL=0 the cloud comes up without a MariaDB, says what that means, and boots a server."""
    assert "SQLite: services write one after the other" in lite.up()
    assert "mariadb" not in {service["name"] for service in lite.status()["services"]}
    lite("verify")


def test_clean_leaves_nothing_behind(lite: Stack) -> None:
    """After `clean`, asked for while a server runs, the machine looks as it did before `up`."""
    lite.up()
    with connected(lite.folder / "credentials") as nova:
        nova.compute.wait_for_server(ask_for_server(nova, "left"), wait=BOOT_S)
    assert any("qemu-system" in words for words in processes_of(lite.folder).values())
    assert look() - lite.before
    lite("clean")
    assert processes_of(lite.folder) == {}
    assert look() - lite.before == set()
    assert lite("status", good=False).returncode == 6


def kill_all_of(folder: Path) -> None:
    """Kill a stack's supervisor and all of its programs, as a machine without memory would, and wait until they are gone."""
    for pid in processes_of(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_for("the end of all", lambda: not processes_of(folder))


@contextmanager
def neighbours_things() -> Iterator[set[str]]:
    """Put a bridge and two namespaces beside the stack that look much like its own, and lend how the machine shows them."""
    before, stranger = look(), "11111111-2222-3333-4444-555555555555"
    made = [("link", "add", "br-mine", "type", "bridge"), ("netns", "add", f"qrouter-{stranger}"), ("netns", "add", f"qdhcp-{stranger}")]
    for words in made:
        subprocess.run(["ip", *words], check=True, timeout=SILENCE_S)
    try:
        yield look() - before
    finally:
        for kind, _, name, *_ in made:
            subprocess.run(["ip", kind, "delete", name], check=True, timeout=SILENCE_S)


def built(nova: openstack.connection.Connection, server: Server) -> Server | None:
    """Return the server, with what went wrong, once nova is done with it."""
    now: Server = nova.compute.get_server(server)
    return None if now.status == "BUILD" else now


def ask_for_server(nova: openstack.connection.Connection, name: str) -> Server:
    """Ask for the smallest server."""
    image = nova.image.find_image("ami-tty", ignore_missing=False)
    flavor = nova.compute.find_flavor("m1.tiny", ignore_missing=False)
    network = nova.network.find_network("private", ignore_missing=False)
    return nova.compute.create_server(name=name, image_id=image.id, flavor_id=flavor.id, networks=[{"uuid": network.id}])


def ask_in_another_project(nova: openstack.connection.Connection) -> Server:
    """Ask for a server without a network, in another project, as a member of it and no more."""
    project = nova.create_project(name="another", domain_id="default")
    nova.grant_role("member", user="admin", project=project.id)
    with nova.connect_as_project(project) as another:
        image = another.image.find_image("ami-tty", ignore_missing=False)
        return another.compute.create_server(name="another", image_id=image.id, flavor_id="1", networks="none")


def address_of(server: Server) -> str:
    """Return the address of a server on the private network."""
    return str(server.addresses["private"][0]["addr"])


def wait_for_ping(nova: openstack.connection.Connection, server: Server) -> None:
    """Ping a server from the namespace of its network until it answers."""
    network = nova.network.find_network("private", ignore_missing=False)
    ping = ["ip", "netns", "exec", f"qdhcp-{network.id}", "/bin/busybox", "ping", "-c", "1", "-W", "1", address_of(server)]
    deadline = time.monotonic() + BOOT_S
    for _ in count():
        answer = subprocess.run(ping, capture_output=True, check=False, text=True, timeout=SILENCE_S)
        if answer.returncode == 0:
            return
        assert time.monotonic() < deadline, f"{address_of(server)} does not answer: {answer.stdout}{answer.stderr}"
