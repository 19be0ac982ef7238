"""Another user on the machine of a running cloud."""

import json
import resource
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from threading import Event
from typing import Any

import openstack
import psutil
import pytest

from tests.cloud.clients import connected, serial_line, server
from tests.cloud.machine_state import processes_of
from tests.cloud.stacks import Stack
from tests.security.attacker import attack, find_readable
from tests.security.consoles import OFFERED, REFUSED, VENCRYPT, connect, connect_as_other_user

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]

# What programs give to other users, by pattern; all of it is below DIR, whose mode is 0700.
UV_LOCK, TEMPEST = "run/.cache/uv/.lock", "venv-tempest/*"
ALLOWED: Mapping[str, str] = {
    "venv/*": "Python packages, which are public; uv gives them the mode of their archives",
    "venv-ec2/*": "the same",
    TEMPEST: "the same",
    "data/novnc*": "pages of a package of the distribution; dpkg gives them the mode of its archive",
    "data/tty/kernel*": "the same for the kernel of servers",
    UV_LOCK: "uv gives its empty lock file this mode",
    "run/mariadb.sock": "MariaDB gives its socket this mode",
    "data/neutron/dhcp/*": "neutron gives the files of dnsmasq this mode; they contain addresses and names of servers",
    "data/libvirt/lib/qemu/ram": "libvirt gives the empty folder this mode",
    "data/libvirt/lib/qemu/domain-*/monitor.sock": "libvirt starts QEMU with a umask of its own",
    "data/ceph/mon/store.db": "ceph-mon gives the folder this mode",
}
IDENTIFIERS = ("ec2-access", "ec2-demo-access")  # names of keys, which requests contain; the keys are "ec2-secret" and the like
DISTRIBUTION_PORT = 25672
LOCAL = {"127.0.0.1"}


@pytest.fixture(scope="module")
def cloud(stack: Stack) -> Iterator[Stack]:
    """Return the shared stack with a server, whose disk and console are files."""
    stack.up()
    with connected(stack.folder / "credentials") as nova, server(nova, "private"):
        yield stack


def test_the_files_of_a_cloud_are_for_its_owner(cloud: Stack) -> None:
    """Each exception is listed with its reason, and each entry of the list has a file; uv's cache and tempest may be elsewhere."""
    assert cloud.folder.stat().st_mode & 0o777 == 0o700
    found = find_readable(cloud.folder)
    unexpected = {name for name in found if not any(fnmatch(name, pattern) for pattern in ALLOWED)}
    assert unexpected == set()
    assert {pattern for pattern in ALLOWED if not any(fnmatch(name, pattern) for name in found)} <= {UV_LOCK, TEMPEST}


def test_requests_at_once_are_not_confused(cloud: Stack) -> None:
    """Keystone handles each with its own token: a user who acts while the administrator does gets what it may have, and no error."""
    ended = Event()

    def list_users(administrator: openstack.connection.Connection) -> None:
        identity: Any = administrator.identity
        while not ended.is_set():
            [*identity.users()]

    credentials = cloud.folder / "credentials"
    with connected(credentials) as admin, connected(credentials, "novaflow-demo") as demo, ThreadPoolExecutor() as pool:
        identity: Any = demo.identity
        running = [pool.submit(list_users, admin) for _ in range(6)]
        try:
            for number in range(60):  # of so many requests, one failed when keystone had eight threads
                created = identity.create_application_credential(user=demo.current_user_id, name=f"credential-{number}")
                identity.delete_application_credential(demo.current_user_id, created)
        finally:
            ended.set()
    assert [each.exception() for each in running] == [None] * 6


def test_other_users_see_nothing_of_a_cloud(cloud: Stack) -> None:
    """They can list none of its folders and read none of its files."""
    cloud.folder.parent.chmod(0o755)
    assert attack("ls", cloud.folder).returncode == 2
    assert attack("cat", cloud.folder / "data/rabbitmq/.erlang.cookie").stdout == ""


def test_erlang_is_reached_by_root_on_loopback_only(cloud: Stack) -> None:
    """The cookie is a password of the stack; the port of the distribution is on 127.0.0.1; there is no epmd."""
    cookie = cloud.folder / "data/rabbitmq/.erlang.cookie"
    assert cookie.read_text() == read_secrets(cloud)["erlang-cookie"]
    assert (cookie.stat().st_uid, cookie.stat().st_mode & 0o777) == (0, 0o400)
    nodes = [pid for pid, command in processes_of(cloud.folder).items() if "beam.smp" in command]
    listening = [place for node in nodes for place in listening_places(node)]
    assert {place.ip for place in listening if place.port == DISTRIBUTION_PORT} == LOCAL
    assert not any("epmd" in command.split()[0] for command in processes_of(cloud.folder).values() if command)


def test_no_secret_is_visible(cloud: Stack) -> None:
    """None is in an argument of any process, a log file, an event or the output of `config`."""
    files = [path for path in (cloud.folder / "log").rglob("*") if path.is_file()]
    texts = {str(path): path.read_text(errors="replace") for path in (*files, cloud.folder / "journal.jsonl")}
    texts |= {f"arguments of {pid}": command for pid, command in processes_of(cloud.folder).items()}
    texts["config"] = cloud("config").stdout + cloud("config", "--json").stdout
    secrets = read_secrets(cloud)
    assert all(secrets.pop(name) for name in IDENTIFIERS)
    found = {f"{name} in {place}" for place, text in texts.items() for name, secret in secrets.items() if secret in text}
    assert found == set()


def test_no_process_of_a_cloud_dumps_its_memory(cloud: Stack) -> None:
    """The limit of core dumps is 0 for the supervisor and every service."""
    limits = {}
    for pid, command in processes_of(cloud.folder).items():
        with suppress(ProcessLookupError):  # a program of a probe
            limits[command] = resource.prlimit(pid, resource.RLIMIT_CORE)
    assert {command for command, limit in limits.items() if limit != (0, 0)} == set()
    assert len(limits) > 20


def test_a_graphical_console_opens_for_the_console_proxy_only(cloud: Stack) -> None:
    """QEMU listens on loopback; it refuses the other user, and root without the certificate of the console proxy."""
    listening = [place for pid in emulators(cloud) for place in listening_places(pid)]
    assert listening
    assert {place.ip for place in listening} == LOCAL
    certificate = cloud.folder / "etc/console-tls/client"
    for place in listening:
        assert {kind: connect_as_other_user(place.port, kind) for kind in REFUSED} == REFUSED
        assert {kind: connect(place.port, kind) for kind in REFUSED} == REFUSED
        assert connect(place.port, VENCRYPT, certificate).startswith(f"{OFFERED}opened ")


def test_other_users_reach_no_serial_console_and_no_monitor(cloud: Stack) -> None:
    """The serial line of a server is a terminal of root; its output and the socket of QEMU's monitor are below DIR."""
    (emulator,) = emulators(cloud)
    (monitor,) = {str(each.laddr) for each in psutil.Process(emulator).net_connections("unix")} - {""}
    name = cloud.folder / "data/libvirt/lib/qemu" / Path(monitor).relative_to("/var/lib/libvirt/qemu")  # the same in its mount namespace
    assert fnmatch(str(name), "*/domain-*/monitor.sock")
    (output,) = cloud.folder.glob("data/instances/*/console.log")
    (domain,) = cloud.folder.glob("data/libvirt/etc/qemu/*.xml")
    for path in (name, output, serial_line(cloud.folder, domain.stem)):
        assert path.exists()
        assert {attack("test", test, path).returncode for test in ("-r", "-w")} == {1}


def emulators(cloud: Stack) -> list[int]:
    """Return the PIDs of the QEMU processes of the stack."""
    return [pid for pid, command in processes_of(cloud.folder).items() if "qemu-system" in command.partition(" ")[0]]


def listening_places(pid: int) -> list[Any]:
    """Return the addresses on which a process accepts TCP connections, with ``ip`` and ``port``."""
    return [each.laddr for each in psutil.Process(pid).net_connections() if each.status == psutil.CONN_LISTEN]


def read_secrets(cloud: Stack) -> dict[str, str]:
    """Return the secrets of the stack by name."""
    secrets: dict[str, str] = json.loads((cloud.folder / "credentials/secrets.json").read_text())
    return secrets
