"""Settings that change what a cloud is: many at once, then containers, then servers that nothing runs, in the stack that tests share."""

# ruff: noqa: S603, S607, TID251 - the programs tests start are their own

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path

import openstack
import psutil
import pytest
from openstack.exceptions import SDKException

from tests.cloud.clients import Guest, connected, guest, server, wait_for
from tests.cloud.looking import look, processes_of
from tests.cloud.stacks import Stack, stack_in_folder

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(900), pytest.mark.filterwarnings("default")]

PATIENCE_S = 30
PASSWORD = """p' "%40@:/?#üß€ $x\\"""  # of what a URL, a shell, SQL and a configuration file each take for their own
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
    """A network card of this machine, and the namespace its other end lies in."""

    interface_name: str
    far: str

    def give(self, address: str) -> None:
        """Give the far end an address."""
        ip("-n", self.far, "address", "replace", address, "dev", self.far)

    def reaches(self, address: str) -> bool:
        """Return whether the far end gets an answer to a ping."""
        words = ["ip", "netns", "exec", self.far, "/bin/busybox", "ping", "-c", "1", "-W", "2", address]
        return subprocess.run(words, capture_output=True, check=False, timeout=PATIENCE_S).returncode == 0


def ip(*words: str) -> None:
    """Run iproute2."""
    subprocess.run(["ip", *words], check=True, timeout=PATIENCE_S)


@contextmanager
def cable(name: str) -> Iterator[Cable]:
    """Lend a card that leads into a namespace, as into another machine."""
    ip("netns", "add", f"{name}1")
    try:
        ip("link", "add", f"{name}0", "type", "veth", "peer", "name", f"{name}1", "netns", f"{name}1")
        ip("-n", f"{name}1", "link", "set", f"{name}1", "up")
        yield Cable(f"{name}0", f"{name}1")
    finally:
        ip("netns", "delete", f"{name}1")  # and the cable with it


@pytest.fixture(scope="module")
def cables(cloud_machine: None) -> Iterator[tuple[Cable, Cable]]:  # noqa: ARG001 - asked for before anything is made
    """Lend one cable for floating addresses and one for servers' networks."""
    with cable("nf-out") as out, cable("nf-flat") as flat:
        yield out, flat


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder on what may be another disk, with something of its owner's in it."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "instances" / "own").mkdir(parents=True)
    (folder / "instances" / "own" / "letter").write_text("mine")
    return folder


@pytest.fixture(scope="module")
def many(stack: Stack, cables: tuple[Cable, Cable], elsewhere: Path) -> Stack:
    """Lend the stack up, with nearly everything chosen."""
    stack("clean")  # as it was, it is others'
    out, flat = cables
    chosen = {
        "NET_MAN": "FlatManager",
        "USE_IPV6": "1",
        "USE_LDAP": "1",
        "INTERFACE": out.interface_name,
        "FLAT_INTERFACE": flat.interface_name,
        "MYSQL_PASS": PASSWORD,
        "INSTANCES_PATH": str(elsewhere / "instances"),
        "LOCK_PATH": str(elsewhere / "locks"),
    }
    many = Stack(stack.folder, **chosen)
    many.up()
    return many


@pytest.fixture(scope="module")
def nova(many: Stack) -> Iterator[openstack.connection.Connection]:
    """Lend a connection of OpenStack's own client."""
    with connected(many.folder / "credentials") as connection:
        yield connection


def log_in(nova: openstack.connection.Connection, user: str, password: str) -> str:
    """Log in as a user of LDAP, and return the name of the project that let him in."""
    config = {**nova.config.config["auth"], "username": user, "password": password, "user_domain_name": "ldap"}
    with openstack.connection.Connection(auth=config, region_name="RegionOne") as connection:
        connection.authorize()
        return str(connection.config.config["auth"]["project_name"])


def let_in(nova: openstack.connection.Connection, user: str) -> None:
    """Give a user of LDAP a role in the project of who asks."""
    domain = next(each for each in nova.list_domains() if each.name == "ldap")
    known = next(each for each in nova.list_users(domain_id=domain.id) if each.name == user)
    nova.grant_role("member", user=known.id, project=nova.current_project_id)


def test_a_server_where_nearly_everything_was_chosen(
    nova: openstack.connection.Connection, cables: tuple[Cable, Cable], elsewhere: Path, tmp_path: Path
) -> None:
    """One server shows what NET_MAN, USE_IPV6, INTERFACE, FLAT_INTERFACE, INSTANCES_PATH and LOCK_PATH did."""
    with guest(nova, tmp_path, "chosen") as chosen:
        look_at_flat_address(nova, chosen)
        look_at_routed_address(nova, chosen)
        look_at_cards(nova, chosen, cables)
        look_at_folders(chosen, elsewhere)


def look_at_flat_address(nova: openstack.connection.Connection, chosen: Guest) -> None:
    """NET_MAN=FlatManager: one flat network, shared and without DHCP; a server's address comes from its config drive."""
    network = nova.network.find_network("private", ignore_missing=False)
    assert (network.provider_network_type, network.is_shared) == ("flat", True)
    assert not nova.network.find_subnet("private", ignore_missing=False).is_dhcp_enabled
    address = next(each["addr"] for each in nova.compute.get_server(chosen.id).addresses["private"] if each["version"] == 4)
    assert f" {address}/24 " in chosen.run("ip -4 addr show dev eth0")
    assert "/dev/sr0 on /run/drive type iso9660" in chosen.run("mount")


def look_at_routed_address(nova: openstack.connection.Connection, chosen: Guest) -> None:
    """USE_IPV6=1: the router told the server its prefix and the way out; neutron knows the address, and this machine reaches it."""
    address = next(each["addr"] for each in nova.compute.get_server(chosen.id).addresses["private"] if each["version"] == 6)
    subnet = nova.network.find_subnet("private-v6", ignore_missing=False)
    assert (subnet.ipv6_ra_mode, subnet.ipv6_address_mode) == ("slaac", "slaac")
    assert IPv6Address(address) in IPv6Network(subnet.cidr)

    def has_heard_the_router() -> bool:
        shown = chosen.run("ip -6 addr show dev eth0 && ip -6 route show default")
        words = (f" {address}/64 scope global", "default via fe80:", "expires")  # as what a router tells does
        return all(word in shown for word in words)

    wait_for("the router's word to the server", has_heard_the_router)
    ping = ["/bin/busybox", "ping6", "-c", "1", "-W", "2", address]
    wait_for("a ping", lambda: subprocess.run(ping, capture_output=True, check=False, timeout=PATIENCE_S).returncode == 0)


def look_at_cards(nova: openstack.connection.Connection, chosen: Guest, cables: tuple[Cable, Cable]) -> None:
    """INTERFACE leads to floating addresses, FLAT_INTERFACE to servers: neighbours on their other ends reach the server."""
    private = next(each["addr"] for each in nova.compute.get_server(chosen.id).addresses["private"] if each["version"] == 4)
    for wire, name, target, length in zip(cables, ("public", "private"), (chosen.address, private), (27, 24), strict=True):
        network = nova.network.find_network(name, ignore_missing=False)
        # An address that neutron gives to nobody else.
        port = nova.network.create_port(network_id=network.id, name="neighbour")
        neighbour = next(each["ip_address"] for each in port.fixed_ips if "." in each["ip_address"])
        wire.give(f"{neighbour}/{length}")
        wait_for(f"{target} to answer {wire.far}", partial(wire.reaches, target))
        nova.network.delete_port(port)


def look_at_folders(chosen: Guest, elsewhere: Path) -> None:
    """INSTANCES_PATH holds the server's disk beside what was there, LOCK_PATH the files that services lock."""
    assert (elsewhere / "instances" / chosen.id / "disk").exists()
    assert (elsewhere / "instances" / "own" / "letter").read_text() == "mine"
    assert {path.name for path in (elsewhere / "locks").iterdir()} >= {"neutron"}
    assert any((elsewhere / "locks" / "neutron").iterdir())


def test_the_password_may_be_anything_that_prints(many: Stack) -> None:
    """MYSQL_PASS: MariaDB's own client gets in with it, and without it does not; no log and no process shows it."""
    words = ["mariadb", "--no-defaults", f"--socket={many.folder}/run/mariadb.sock", "--user=openstack", "--execute=SELECT 1"]

    def gets_in(password: str) -> bool:
        environ = {**os.environ, "MYSQL_PWD": password}
        return subprocess.run(words, env=environ, capture_output=True, check=False, timeout=PATIENCE_S).returncode == 0

    assert (gets_in(PASSWORD), gets_in(PASSWORD[:-1])) == (True, False)
    assert not any(PASSWORD in path.read_text(errors="replace") for path in (many.folder / "log").iterdir())
    assert not any(PASSWORD in word for process in psutil.process_iter(["cmdline"]) for word in process.info["cmdline"] or ())


def test_users_of_ldap_log_in_through_keystone(many: Stack, nova: openstack.connection.Connection) -> None:
    """USE_LDAP=1: who loads clouds.yaml lives in LDAP, as does whoever is added there with LDAP's own tools."""
    assert nova.config.config["auth"]["user_domain_name"] == "ldap"
    entry = "dn: uid=grace,ou=users,dc=novaflow\nobjectClass: inetOrgPerson\ncn: Grace\nsn: Hopper\nuserPassword: cobol\n"
    url = f"ldapi://{str(many.folder / 'run/slapd.sock').replace('/', '%2F')}"
    login = ["-x", "-H", url, "-D", "cn=manager,dc=novaflow", "-y", f"{many.folder}/credentials/ldap-password"]
    subprocess.run(["ldapadd", *login], input=entry, capture_output=True, check=True, text=True, timeout=PATIENCE_S)
    let_in(nova, "grace")
    assert log_in(nova, "grace", "cobol") == "admin"
    with pytest.raises(SDKException, match="401"):
        log_in(nova, "grace", "basic")


def test_clean_gives_everything_back(many: Stack, elsewhere: Path) -> None:
    """After `clean` the cards are the machine's again, and the folders hold what they held."""
    many("clean")
    assert processes_of(many.folder) == {}
    assert look() - many.before == set()
    assert {line for line in many.before if line.startswith("link ")} <= look()
    assert (elsewhere / "instances" / "own" / "letter").read_text() == "mine"


@pytest.fixture
def opendj(tmp_path: Path) -> Iterator[str]:
    """Lend the address of an LDAP server that is not the stack's, with one user in it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    schemas = "".join(f"include /etc/ldap/schema/{name}.schema\n" for name in ("core", "cosine", "inetorgperson"))
    config = tmp_path / "slapd.conf"
    config.write_text(
        f"{schemas}modulepath /usr/lib/ldap\nmoduleload back_mdb\ndatabase mdb\nsuffix dc=example,dc=com\n"
        f'rootdn {READER}\nrootpw "{"p%@ :/"}"\ndirectory {tmp_path}\n'
    )
    subprocess.run(["slapadd", "-q", "-f", config], input=LDIF, capture_output=True, check=True, text=True, timeout=PATIENCE_S)
    with subprocess.Popen(["slapd", "-d", "none", "-f", config, "-h", f"ldap://127.0.0.1:{port}"], stderr=subprocess.DEVNULL) as slapd:
        try:
            yield f"ldap://127.0.0.1:{port}/{PEOPLE}"
        finally:
            slapd.terminate()


def test_containers_for_users_of_somebody_elses_ldap(stack: Stack, opendj: str) -> None:
    """LIBVIRT_TYPE=lxc: a server is a container. NET_MAN=FlatDHCPManager: it has a lease, on the flat network of all projects.

    USE_OPENDJ=1: users of that server log in, the administrator stays in keystone's own database.
    """
    stack("clean")
    named = {"NOVAFLOW_LDAP_URL": opendj, "NOVAFLOW_LDAP_USER": READER, "NOVAFLOW_LDAP_PASS": "p%@ :/"}
    lxc = Stack(stack.folder, LIBVIRT_TYPE="lxc", NET_MAN="FlatDHCPManager", USE_LDAP="1", USE_OPENDJ="1", **named)
    before = look_at_containers()
    require_containers(lxc)
    lxc.up()
    with connected(lxc.folder / "credentials") as nova:
        network = nova.network.find_network("private", ignore_missing=False)
        assert (network.provider_network_type, network.is_shared) == ("flat", True)
        assert nova.network.find_subnet("private", ignore_missing=False).is_dhcp_enabled
        let_in(nova, "ada")
        assert log_in(nova, "ada", "lovelace") == "admin"
        with pytest.raises(SDKException, match="401"):
            log_in(nova, "ada", "byron")
        assert all(step in lxc("verify").stdout for step in ("verify.lease", "verify.ping", "verify succeeded"))
        image = nova.image.find_image("ami-tty", ignore_missing=False)
        left = nova.compute.create_server(name="left", image_id=image.id, flavor_id="1", networks=[{"uuid": network.id}])
        nova.compute.wait_for_server(left)
        assert any("libvirt_lxc" in words for words in processes_of(lxc.folder).values())
    lxc("clean")
    assert processes_of(lxc.folder) == {}
    assert look() - lxc.before == set()
    assert look_at_containers() - before == set()


def require_containers(stack: Stack) -> None:
    """Skip the test on a kernel without cgroups or loop devices; fail it in CI."""
    found = [each["found"] for each in json.loads(stack("doctor", "--json", good=False).stdout) if each["severity"] == "bad"]
    if found and os.environ.get("CI") != "true":
        pytest.skip("; ".join(found))
    assert not found


def look_at_containers() -> set[str]:
    """Return what containers may leave: loop devices in use, and cgroups."""
    loops = subprocess.run(
        ["losetup", "--list", "--noheadings", "--output", "NAME"], capture_output=True, check=True, text=True, timeout=30
    )
    return {*loops.stdout.split(), *map(str, Path("/sys/fs/cgroup").rglob("lxc-*"))}


def test_without_a_hypervisor(stack: Stack) -> None:
    """LIBVIRT_TYPE=fake: a server goes ACTIVE and nothing runs it."""
    stack("clean")
    fake = Stack(stack.folder, LIBVIRT_TYPE="fake")
    fake.up()
    with connected(fake.folder / "credentials") as nova, server(nova, "fake") as made:
        assert made.status == "ACTIVE"
        assert [each.hypervisor_type for each in nova.compute.hypervisors(details=True)] == ["fake"]
        assert not any("qemu-system" in words or "libvirtd" in words for words in processes_of(fake.folder).values())
    fake("clean")
    assert look() - fake.before == set()


def test_what_needs_no_database_runs_alone(stack: Stack) -> None:
    """NOVAFLOW_SERVICES=objectstore: nothing else is started, and nothing was migrated for it."""
    stack("clean")
    with stack_in_folder("alone", NOVAFLOW_SERVICES="objectstore") as alone:
        alone.up()
        assert [service["name"] for service in alone.status()["services"]] == ["objectstore"]
