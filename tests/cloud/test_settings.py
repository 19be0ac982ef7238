"""Settings that change the shared cloud: many at once, then containers, then the fake driver."""

# ruff: noqa: S603, S607, TID251 - tests start known programs

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path
from typing import Any

import openstack
import psutil
import pytest
from openstack.exceptions import SDKException

from tests.cloud.clients import BOOT_S, Guest, connected, guest, server, wait_for
from tests.cloud.machine_state import processes_of, read_state
from tests.cloud.stacks import UP_WITHIN_S, Stack, stack_in_folder

pytestmark = [pytest.mark.cloud, pytest.mark.stops_cloud, pytest.mark.timeout(900), pytest.mark.filterwarnings("default")]

TIMEOUT_S = 30
PASSWORD = """p' "%40@:/?#üß€ $x\\"""  # characters with a meaning in URLs, shells, SQL or configuration files
ADDRESS, NEIGHBOUR = "198.18.7.1", "198.18.7.2/30"  # Source: RFC 2544; a test must not hide a network that the machine uses
# What another machine reaches: the APIs, EC2, the object store, the console, and AMQP with TLS.
PUBLIC_PORTS = {3333, 5000, 5671, 6080, 8773, 8774, 8776, 8778, 9292, 9696}
PRIVATE_PORTS = (3300, 5672, 6789, 8775, 25672)  # Ceph, AMQP without TLS, nova's metadata, Erlang
LOCAL_FILES = {"nova.conf": "[quota]\ninstances = 17\n", "neutron.conf": "[QUOTAS]\nquota_network = 18\n"}
PEOPLE, READER = "ou=people,dc=example,dc=com", "cn=reader,dc=example,dc=com"
LDIF = f"""\
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
o: example

dn: {PEOPLE}
objectClass: organizationalUnit

dn: uid=ada,{PEOPLE}
objectClass: inetOrgPerson
cn: Ada
sn: Ada
userPassword: lovelace
"""


@dataclass(frozen=True, slots=True)
class Cable:
    """A virtual network interface of this machine, and the namespace of its other end."""

    interface_name: str
    far: str

    def give(self, address: str) -> None:
        """Assign an address to the other end."""
        ip("-n", self.far, "address", "replace", address, "dev", self.far)

    def reaches(self, address: str) -> bool:
        """Return whether the address answers a ping from the other end."""
        command = ["ip", "netns", "exec", self.far, "/bin/busybox", "ping", "-c", "1", "-W", "2", address]
        return subprocess.run(command, capture_output=True, check=False, timeout=TIMEOUT_S).returncode == 0

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command at the other end."""
        argv = ["ip", "netns", "exec", self.far, *command]
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True, timeout=TIMEOUT_S)


def ip(*arguments: str) -> None:
    """Run iproute2."""
    subprocess.run(["ip", *arguments], check=True, timeout=TIMEOUT_S)


@contextmanager
def cable(name: str) -> Iterator[Cable]:
    """Return a network interface that is connected to a namespace, as to another machine."""
    ip("netns", "add", f"{name}1")
    try:
        ip("link", "add", f"{name}0", "type", "veth", "peer", "name", f"{name}1", "netns", f"{name}1")
        ip("-n", f"{name}1", "link", "set", f"{name}1", "up")
        yield Cable(f"{name}0", f"{name}1")
    finally:
        ip("netns", "delete", f"{name}1")  # also deletes the interface


@pytest.fixture(scope="module")
def cables(cloud_machine: None) -> Iterator[tuple[Cable, Cable]]:  # noqa: ARG001 - checked first
    """Return a cable for floating addresses and one for the networks of servers."""
    with cable("nf-out") as out, cable("nf-flat") as flat:
        yield out, flat


@pytest.fixture(scope="module")
def neighbour(cloud_machine: None) -> Iterator[Cable]:  # noqa: ARG001 - checked first
    """Return a cable to another machine, in a network in which this one has the address ADDRESS."""
    with cable("nf-lan") as lan:
        ip("address", "add", f"{ADDRESS}/30", "dev", lan.interface_name)
        ip("link", "set", lan.interface_name, "up")
        lan.give(NEIGHBOUR)
        yield lan


@pytest.fixture(scope="module")
def other_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder outside the stack with a file of the user."""
    folder = tmp_path_factory.mktemp("other")
    (folder / "instances" / "own").mkdir(parents=True)
    (folder / "instances" / "own" / "notes").write_text("mine")
    return folder


@pytest.fixture(scope="module")
def local_files(stack: Stack) -> Iterator[None]:
    """Write the user's configuration files of two services."""
    folder = stack.folder / "local"
    for each in (stack.folder, folder):
        each.mkdir(mode=0o700, exist_ok=True)
    for name, text in LOCAL_FILES.items():
        (folder / name).write_text(text)
    yield
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def many(
    stack: Stack,
    cables: tuple[Cable, Cable],
    neighbour: Cable,  # noqa: ARG001 - HOST_IP is an address of its link
    other_folder: Path,
    local_files: None,  # noqa: ARG001 - `up` reads them
) -> Stack:
    """Return the shared stack after `up` with many settings."""
    stack("clean")  # other tests have started it with other settings
    out, flat = cables
    settings = {
        "NOVAFLOW_FORK": "0",
        "HOST_IP": ADDRESS,
        "NET_MAN": "FlatManager",
        "USE_IPV6": "1",
        "USE_LDAP": "1",
        "INTERFACE": out.interface_name,
        "FLAT_INTERFACE": flat.interface_name,
        "MYSQL_PASS": PASSWORD,
        "INSTANCES_PATH": str(other_folder / "instances"),
        "LOCK_PATH": str(other_folder / "locks"),
    }
    many = Stack(stack.folder, **settings)
    many.up()
    return many


@pytest.fixture(scope="module")
def nova(many: Stack) -> Iterator[openstack.connection.Connection]:
    """Return a connection of openstacksdk."""
    with connected(many.folder / "credentials") as connection:
        yield connection


def log_in(nova: openstack.connection.Connection, user: str, password: str) -> str:
    """Log in as a user of LDAP, and return the name of the project."""
    config = {**nova.config.config["auth"], "username": user, "password": password, "user_domain_name": "ldap"}
    trusted = nova.config.config.get("cacert")
    with openstack.connection.Connection(auth=config, region_name="RegionOne", cacert=trusted) as connection:
        connection.authorize()
        return str(connection.config.config["auth"]["project_name"])


def grant_role(nova: openstack.connection.Connection, user: str) -> None:
    """Grant a role in the administrator's project to a user of LDAP."""
    domain = next(each for each in nova.list_domains() if each.name == "ldap")
    known = next(each for each in nova.list_users(domain_id=domain.id) if each.name == user)
    nova.grant_role("member", user=known.id, project=nova.current_project_id)


def test_many_settings_take_effect(
    nova: openstack.connection.Connection, cables: tuple[Cable, Cable], other_folder: Path, tmp_path: Path
) -> None:
    """A server shows the effect of NET_MAN, USE_IPV6, INTERFACE, FLAT_INTERFACE, INSTANCES_PATH and LOCK_PATH."""
    with guest(nova, tmp_path, "settings") as server:
        check_flat_address(nova, server)
        check_routed_address(nova, server)
        check_interfaces(nova, server, cables)
        check_folders(server, other_folder)


def test_the_users_files_extend_those_of_services(many: Stack, nova: openstack.connection.Connection) -> None:
    """Their options have priority; `config --service` shows both files as one, without passwords."""
    assert nova.compute.get_limits().absolute.instances == 17
    assert nova.network.get_quota(str(nova.current_project_id)).networks == 18
    shown = many("config", "--service", "nova").stdout
    assert f"\n# {many.folder}/local/nova.conf\n{LOCAL_FILES['nova.conf']}" in shown
    assert "\npassword = ********\n" in shown


def test_services_start_alone(many: Stack) -> None:
    """NOVAFLOW_FORK=0: no process has imported for others; the other tests show that the cloud is the same."""
    names = {service["name"] for service in many.status()["services"]}
    assert names >= {"nova-compute", "neutron-dhcp-agent"}
    assert not names & {"nova-fork-server", "neutron-fork-server"}
    assert not any("fork_server.py" in line or "fork_client.py" in line for line in processes_of(many.folder).values())


def check_flat_address(nova: openstack.connection.Connection, server: Guest) -> None:
    """NET_MAN=FlatManager: one shared flat network without DHCP; the address of a server is on its config drive."""
    network = nova.network.find_network("private", ignore_missing=False)
    assert (network.provider_network_type, network.is_shared) == ("flat", True)
    assert not nova.network.find_subnet("private", ignore_missing=False).is_dhcp_enabled
    address = next(each["addr"] for each in nova.compute.get_server(server.id).addresses["private"] if each["version"] == 4)
    assert f" {address}/24 " in server.run("ip -4 addr show dev eth0")
    assert "/dev/sr0 on /run/drive type iso9660" in server.run("mount")


def check_routed_address(nova: openstack.connection.Connection, server: Guest) -> None:
    """USE_IPV6=1: the server has an address and a default route from router advertisements; this machine reaches the address."""
    address = next(each["addr"] for each in nova.compute.get_server(server.id).addresses["private"] if each["version"] == 6)
    subnet = nova.network.find_subnet("private-v6", ignore_missing=False)
    assert (subnet.ipv6_ra_mode, subnet.ipv6_address_mode) == ("slaac", "slaac")
    assert IPv6Address(address) in IPv6Network(subnet.cidr)

    def has_route() -> bool:
        output = server.run("ip -6 addr show dev eth0 && ip -6 route show default")
        # A route from an advertisement expires.
        return all(text in output for text in (f" {address}/64 scope global", "default via fe80:", "expires"))

    wait_for("a router advertisement", has_route)
    ping = ["/bin/busybox", "ping6", "-c", "1", "-W", "2", address]
    wait_for("a ping", lambda: subprocess.run(ping, capture_output=True, check=False, timeout=TIMEOUT_S).returncode == 0)


def check_interfaces(nova: openstack.connection.Connection, server: Guest, cables: tuple[Cable, Cable]) -> None:
    """INTERFACE is connected to the external network, FLAT_INTERFACE to the network of servers."""
    private = next(each["addr"] for each in nova.compute.get_server(server.id).addresses["private"] if each["version"] == 4)
    for wire, name, target, length in zip(cables, ("public", "private"), (server.address, private), (27, 24), strict=True):
        network = nova.network.find_network(name, ignore_missing=False)
        # The port reserves the address in neutron.
        port = nova.network.create_port(network_id=network.id, name="neighbour")
        neighbour = next(each["ip_address"] for each in port.fixed_ips if "." in each["ip_address"])
        wire.give(f"{neighbour}/{length}")
        wait_for(f"{target} to answer {wire.far}", partial(wire.reaches, target))
        nova.network.delete_port(port)


def check_folders(server: Guest, other_folder: Path) -> None:
    """INSTANCES_PATH contains the disk of the server and the files of the user, LOCK_PATH the lock files of services."""
    assert (other_folder / "instances" / server.id / "disk").exists()
    assert (other_folder / "instances" / "own" / "notes").read_text() == "mine"
    assert {path.name for path in (other_folder / "locks").iterdir()} >= {"neutron"}
    assert any((other_folder / "locks" / "neutron").iterdir())


def test_the_password_may_contain_any_printable_character(many: Stack) -> None:
    """MYSQL_PASS: MariaDB's client logs in with it; no log file and no command line contains it."""
    command = ["mariadb", "--no-defaults", f"--socket={many.folder}/run/mariadb.sock", "--user=openstack", "--execute=SELECT 1"]

    def can_log_in(password: str) -> bool:
        environ = {**os.environ, "MYSQL_PWD": password}
        return subprocess.run(command, env=environ, capture_output=True, check=False, timeout=TIMEOUT_S).returncode == 0

    assert (can_log_in(PASSWORD), can_log_in(PASSWORD[:-1])) == (True, False)
    assert not any(PASSWORD in path.read_text(errors="replace") for path in (many.folder / "log").iterdir())
    assert not any(PASSWORD in word for process in psutil.process_iter(["cmdline"]) for word in process.info["cmdline"] or ())


def test_users_of_ldap_log_in_through_keystone(many: Stack, nova: openstack.connection.Connection) -> None:
    """USE_LDAP=1: the user of clouds.yaml is in LDAP; a user that ldapadd adds can log in."""
    assert nova.config.config["auth"]["user_domain_name"] == "ldap"
    entry = "dn: uid=grace,ou=users,dc=novaflow\nobjectClass: inetOrgPerson\ncn: Grace\nsn: Hopper\nuserPassword: cobol\n"
    url = f"ldapi://{str(many.folder / 'run/slapd.sock').replace('/', '%2F')}"
    login = ["-x", "-H", url, "-D", "cn=manager,dc=novaflow", "-y", f"{many.folder}/credentials/ldap-password"]
    subprocess.run(["ldapadd", *login], input=entry, capture_output=True, check=True, text=True, timeout=TIMEOUT_S)
    grant_role(nova, "grace")
    assert log_in(nova, "grace", "cobol") == "admin"
    with pytest.raises(SDKException, match="401"):
        log_in(nova, "grace", "basic")


def test_another_machine_reaches_endpoints_with_tls_alone(many: Stack, neighbour: Cable) -> None:
    """HOST_IP: each endpoint has a certificate of the stack's authority; everything else listens on loopback."""
    places = {(place.ip, place.port): name for name, place in find_listeners(many)}
    assert {name for (ip, _), name in places.items() if not ip.startswith("127.")} == {"haproxy"}
    assert {port for ip, port in places if ip == ADDRESS} == PUBLIC_PORTS
    for port in PUBLIC_PORTS:
        assert "Verification: OK" in neighbour.run("openssl", "s_client", "-brief", "-CAfile", f"{many.folder}/credentials/cacert.pem",
            "-verify_return_error", "-verify_ip", ADDRESS, "-connect", f"{ADDRESS}:{port}").stderr  # fmt: skip
    for port in PRIVATE_PORTS:
        assert "Connection refused" in neighbour.run("/bin/busybox", "nc", ADDRESS, str(port)).stderr
    plain = neighbour.run("/bin/busybox", "wget", "-q", "-O", "-", f"http://{ADDRESS}:5000/v3")
    assert (plain.returncode, plain.stdout) == (1, "")


def find_listeners(stack: Stack) -> Iterator[tuple[str, Any]]:
    """Yield the name of each program of the stack that listens on this machine, and the address."""
    here = Path("/proc/self/ns/net").readlink()
    for pid in processes_of(stack.folder):
        with suppress(psutil.NoSuchProcess, FileNotFoundError):  # a program of a probe
            process = psutil.Process(pid)
            if Path(f"/proc/{pid}/ns/net").readlink() == here:
                yield from ((process.name(), one.laddr) for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN)


def test_clients_trust_the_authority_of_the_stack(many: Stack) -> None:
    """Objects, EC2 and consoles are reached over TLS, and subscribers connect to the broker; `doctor` reports what is exposed."""
    output = many("verify", "--full").stdout
    assert all(text in output for text in ("listed the regions", "wrote, read and deleted an object", "the console is open: RFB 003.008"))
    events = many("events", "--from-start", "--json")
    assert events.stderr == ""
    assert "novaflow.stack.ready" in events.stdout
    found = next(each for each in json.loads(many("doctor", "--json", good=False).stdout) if each["about"] == "exposure")
    assert found["severity"] == "warning"
    assert f"every machine that reaches {ADDRESS} can connect" in found["found"]


def test_clean_restores_interfaces_and_folders(many: Stack, other_folder: Path) -> None:
    """After `clean` the machine has its network interfaces again, and the folders contain the files of the user."""
    many("clean")
    assert processes_of(many.folder) == {}
    assert read_state() - many.before == set()
    assert {line for line in many.before if line.startswith("link ")} <= read_state()
    assert (other_folder / "instances" / "own" / "notes").read_text() == "mine"


@pytest.fixture
def opendj(tmp_path: Path) -> Iterator[str]:
    """Return the address of an external LDAP server with one user."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    schemas = "".join(f"include /etc/ldap/schema/{name}.schema\n" for name in ("core", "cosine", "inetorgperson"))
    config = tmp_path / "slapd.conf"
    config.write_text(
        f"{schemas}modulepath /usr/lib/ldap\nmoduleload back_mdb\ndatabase mdb\nsuffix dc=example,dc=com\n"
        f'rootdn {READER}\nrootpw "{"p%@ :/"}"\ndirectory {tmp_path}\n'
    )
    subprocess.run(["slapadd", "-q", "-f", config], input=LDIF, capture_output=True, check=True, text=True, timeout=TIMEOUT_S)
    with subprocess.Popen(["slapd", "-d", "none", "-f", config, "-h", f"ldap://127.0.0.1:{port}"], stderr=subprocess.DEVNULL) as slapd:
        try:
            yield f"ldap://127.0.0.1:{port}/{PEOPLE}"
        finally:
            slapd.terminate()


@pytest.mark.long
def test_containers_and_users_of_an_external_ldap_server(stack: Stack, opendj: str) -> None:
    """LIBVIRT_TYPE=lxc: a server is a container. NET_MAN=FlatDHCPManager: it has a lease in the shared flat network.

    USE_OPENDJ=1: users of the external server can log in; the administrator is in keystone's database.
    """
    stack("clean")
    ldap = {"NOVAFLOW_LDAP_URL": opendj, "NOVAFLOW_LDAP_USER": READER, "NOVAFLOW_LDAP_PASS": "p%@ :/"}
    lxc = Stack(stack.folder, LIBVIRT_TYPE="lxc", NET_MAN="FlatDHCPManager", USE_LDAP="1", USE_OPENDJ="1", **ldap)
    before = read_container_state()
    require_containers(lxc)
    lxc.up()
    with connected(lxc.folder / "credentials") as nova:
        network = nova.network.find_network("private", ignore_missing=False)
        assert (network.provider_network_type, network.is_shared) == ("flat", True)
        assert nova.network.find_subnet("private", ignore_missing=False).is_dhcp_enabled
        grant_role(nova, "ada")
        assert log_in(nova, "ada", "lovelace") == "admin"
        with pytest.raises(SDKException, match="401"):
            log_in(nova, "ada", "byron")
        assert all(step in lxc("verify").stdout for step in ("verify.lease", "verify.ping", "verify succeeded"))
        image = nova.image.find_image("ami-tty", ignore_missing=False)
        left = nova.compute.create_server(name="left", image_id=image.id, flavor_id="1", networks=[{"uuid": network.id}])
        nova.compute.wait_for_server(left)
        assert any("libvirt_lxc" in line for line in processes_of(lxc.folder).values())
    lxc("clean")
    assert processes_of(lxc.folder) == {}
    assert read_state() - lxc.before == set()
    assert read_container_state() - before == set()


def require_containers(stack: Stack) -> None:
    """Skip the test on a kernel without cgroups or loop devices; fail it in CI."""
    found = [each["found"] for each in json.loads(stack("doctor", "--json", good=False).stdout) if each["severity"] == "bad"]
    if found and os.environ.get("CI") != "true":
        pytest.skip("; ".join(found))
    assert not found


def read_container_state() -> set[str]:
    """Return the loop devices and cgroups of containers."""
    loops = subprocess.run(
        ["losetup", "--list", "--noheadings", "--output", "NAME"], capture_output=True, check=True, text=True, timeout=30
    )
    return {*loops.stdout.split(), *map(str, Path("/sys/fs/cgroup").rglob("lxc-*"))}


@pytest.mark.long
def test_the_fake_driver_runs_no_server(stack: Stack) -> None:
    """LIBVIRT_TYPE=fake: a server becomes ACTIVE without a hypervisor, and is kept like any other."""
    stack("clean")
    fake = Stack(stack.folder, LIBVIRT_TYPE="fake")
    fake.up()
    with connected(fake.folder / "credentials") as nova, server(nova, "fake") as created:
        assert created.status == "ACTIVE"
        assert [each.hypervisor_type for each in nova.compute.hypervisors(details=True)] == ["fake"]
        assert not any("qemu-system" in line or "libvirtd" in line for line in processes_of(fake.folder).values())
        fake("restart", "nova-compute")
        fake("clean")
        fake("up", within_s=UP_WITHIN_S)
        assert nova.compute.get_server(created).status == "ACTIVE"
        nova.compute.reboot_server(created, "SOFT")
        nova.compute.wait_for_server(created, wait=BOOT_S)
    fake("clean")
    assert read_state() - fake.before == set()


def test_what_needs_no_database_runs_alone(stack: Stack) -> None:
    """NOVAFLOW_SERVICES=objectstore: nothing else is started, and nothing was migrated for it."""
    stack("clean")
    with stack_in_folder("alone", NOVAFLOW_SERVICES="objectstore") as alone:
        alone.up()
        assert [service["name"] for service in alone.status()["services"]] == ["objectstore"]
