"""What a user does with servers through the `openstack` command, and what the servers themselves see of it."""

# ruff: noqa: S603, S607, TID251 - tests start known programs

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import openstack
import pytest
from openstack.compute.v2.server import Server

from tests.cloud.clients import BOOT_S, TIMEOUT_S, Guest, console, virsh, wait_for
from tests.cloud.features.openstack_client import OpenStackClient, Refused

pytestmark = [pytest.mark.cloud, pytest.mark.long, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]

TINY_KIB = 128 << 10
METADATA = "wget -q -O - http://169.254.169.254/openstack/latest/meta_data.json"
BOOT_ID = "cat /proc/sys/kernel/random/boot_id"
KEPT = "/tmp/kept"  # noqa: S108 - in the server, where /tmp is on the disk
OFFSET = 32 << 20  # of /tmp on the disk
NAME = "Сервер 服务器"


def wait_for_status(nova: openstack.connection.Connection, server_id: str, status: str) -> Server:
    """Return the server as soon as it has the status."""
    return nova.compute.wait_for_server(nova.compute.get_server(server_id), status=status, interval=1, wait=BOOT_S)


@contextmanager
def reachable(client: OpenStackClient, nova: openstack.connection.Connection, name: str, key: Path, *options: object) -> Iterator[Guest]:
    """Return a server with a floating address, in which the owner of the key file can log in."""
    with client.temporary("server", name, "--flavor", "m1.tiny", "--network", "private", *options) as created:
        wait_for_status(nova, created["id"], "ACTIVE")
        address = client.read("floating", "ip", "create", "public")["floating_ip_address"]
        try:
            client.run("server", "add", "floating", "ip", name, address)
            guest = Guest(created["id"], address, key)
            wait_for("ssh", guest.is_reachable, BOOT_S)
            yield guest
        finally:
            client.run("floating", "ip", "delete", address)


@pytest.fixture(scope="module")
def key(client: OpenStackClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the private key of the key pair sa-key, which the client has generated."""
    file = tmp_path_factory.mktemp("keys") / "generated"
    with client.temporary("keypair", "sa-key", "--private-key", file):
        file.chmod(0o600)  # the client creates a file that others may read, which ssh refuses
        yield file


@pytest.fixture(scope="module")
def one(
    client: OpenStackClient, nova: openstack.connection.Connection, key: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guest]:
    """Return the server sa-one, with user data, a property and a config drive; a test leaves it ACTIVE."""
    script = tmp_path_factory.mktemp("scripts") / "script"
    script.write_text("#!/bin/sh\necho $(hostname) >>/tmp/user-data-ran\n")
    options = ("--image", "ami-tty", "--key-name", "sa-key", "--user-data", script, "--config-drive", "true", "--property", "color=red")
    with reachable(client, nova, "sa-one", key, *options) as guest:
        yield guest


def state_of(client: OpenStackClient, nova: openstack.connection.Connection, guest: Guest) -> str:
    """Return the state of the server's virtual machine, as libvirt reports it."""
    return virsh(client.folder, "domstate", nova.compute.get_server(guest.id).instance_name)


def size_of(guest: Guest) -> tuple[int, int, bool]:
    """Return the processors and the GiB of the disk that the server sees, and whether it sees more memory than the smallest one has."""
    processors, sectors, memory_kib = guest.run(
        "nproc; cat /sys/block/vda/size; sed -n 's/MemTotal: *\\([0-9]*\\).*/\\1/p' /proc/meminfo"
    ).split()
    return int(processors), int(sectors) >> 21, int(memory_kib) > TINY_KIB


def wait_for_boot(guest: Guest, before: str) -> None:
    """Wait for a login in a server that is no longer the boot with the id ``before``."""
    wait_for("another boot", lambda: guest.is_reachable() and guest.run(BOOT_ID) != before, BOOT_S)


def events_of(client: OpenStackClient, name: str) -> list[str]:
    """Return the actions on the server, the last one first."""
    return [event["Action"] for event in client.read("server", "event", "list", name)]


def images_of(nova: openstack.connection.Connection, prefix: str) -> dict[str, str]:
    """Return the status of the images by name."""
    return {image.name: image.status for image in nova.image.images() if image.name.startswith(prefix)}


def test_a_flavor_has_more_disks(client: OpenStackClient, nova: openstack.connection.Connection, key: Path) -> None:
    """The server has an ephemeral disk with a file system, and one for swap."""
    with client.temporary("flavor", "sa-disks", "--ram", 128, "--disk", 1, "--ephemeral", 1, "--swap", 64) as flavor:
        options = ("--image", "ami-tty", "--key-name", "sa-key", "--flavor", flavor["id"])
        with reachable(client, nova, "sa-disks", key, *options) as guest:
            sizes = guest.run("cat /sys/block/vdb/size /sys/block/vdc/size").split()
            assert [int(size) >> 11 for size in sizes] == [1024, 64]
            assert guest.run("mount -t vfat /dev/vdb /mnt && umount /mnt && echo mounted") == "mounted\n"


@pytest.mark.parametrize(("policy", "status"), [("affinity", "ACTIVE"), ("anti-affinity", "ERROR")])
def test_servers_are_kept_together_or_apart(
    client: OpenStackClient, nova: openstack.connection.Connection, policy: str, status: str
) -> None:
    """A group decides whether a second server may run on the only host; without a host, its error says so."""
    with client.temporary("server group", "sa-group", "--policy", policy) as group:
        options = ("--image", "ami-tty", "--flavor", "m1.tiny", "--nic", "none", "--hint", f"group={group['id']}")
        with client.temporary("server", "sa-first", *options) as first:
            host = wait_for_status(nova, first["id"], "ACTIVE").compute_host
            with client.temporary("server", "sa-second", *options) as created:
                second = wait_for_status(nova, created["id"], status)
                members = client.read("server", "group", "show", group["id"])["members"]
                assert sorted(members) == sorted([first["id"], second.id])
                if status == "ACTIVE":
                    assert second.compute_host == host
                else:
                    assert "No valid host was found" in client.read("server", "show", second.id)["fault"]["message"]


def test_a_locked_server_refuses_its_owner(client: OpenStackClient, nova: openstack.connection.Connection) -> None:
    """It is neither stopped nor deleted; its owner cannot unlock what the administrator has locked."""
    demo = replace(client, cloud="novaflow-demo")
    with demo.temporary("server", "sa-locked", "--image", "ami-tty", "--flavor", "m1.tiny", "--nic", "none") as created:
        server = created["id"]
        wait_for_status(nova, server, "ACTIVE")
        client.run("server", "lock", "--reason", "maintenance", server)
        for action in ("stop", "delete"):
            with pytest.raises(Refused, match=f"{server} is locked"):
                demo.run("server", action, "sa-locked")
        with pytest.raises(Refused, match="Policy doesn't allow os_compute_api:os-lock-server:unlock:unlock_override"):
            demo.run("server", "unlock", "sa-locked")
        shown = demo.read("server", "show", "sa-locked")
        assert (shown["status"], shown["locked"], shown["locked_reason"]) == ("ACTIVE", True, "maintenance")
        client.run("server", "unlock", server)
        demo.run("server", "stop", "sa-locked")
        wait_for_status(nova, server, "SHUTOFF")


def test_a_server_has_a_name_of_any_script(client: OpenStackClient, nova: openstack.connection.Connection, tmp_path: Path) -> None:
    """Its host name is made of its id; a character that Nova's API does not accept is refused with the reason."""
    script = tmp_path / "script"
    script.write_text('#!/bin/sh\necho "host name: <$(hostname)>"\n')
    options = ("--image", "ami-tty", "--flavor", "m1.tiny", "--network", "private", "--user-data", script)
    with pytest.raises(Refused, match="The name must be: printable characters"):
        client.run("server", "create", *options, f"{NAME} 🚀")
    with client.temporary("server", NAME, *options) as created:
        assert client.read("server", "show", NAME)["name"] == NAME
        host_name = f"Server-{created['id']}"
        assert wait_for_status(nova, created["id"], "ACTIVE").hostname == host_name
        wait_for("its host name", lambda: f"host name: <{host_name}>" in console(nova, created["id"]), BOOT_S)


def test_key_pairs_of_each_type(client: OpenStackClient, one: Guest, tmp_path: Path) -> None:
    """Nova has the fingerprint of each public key, and what it has stored logs in with its private key."""
    for kind in ("ed25519", "ecdsa", "rsa"):
        private = tmp_path / kind
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", private], check=True, timeout=TIMEOUT_S)
        public = private.with_suffix(".pub")
        fingerprint = read_line("ssh-keygen", "-l", "-E", "md5", "-f", public).split()[1]
        with client.temporary("keypair", f"sa-{kind}", "--public-key", public) as shown:
            assert (shown["type"], f"MD5:{shown['fingerprint']}") == ("ssh", fingerprint)
            stored = client.run("keypair", "show", "--public-key", f"sa-{kind}").strip()
        other = replace(one, key=private)
        assert not other.is_reachable()
        one.run(f"printf '\\n%s\\n' '{stored}' >>/root/.ssh/authorized_keys")
        assert other.is_reachable()


def test_a_certificate_is_a_key_pair(client: OpenStackClient, nova: openstack.connection.Connection, tmp_path: Path) -> None:
    """Nova has the fingerprint of the certificate, and returns the certificate unchanged."""
    certificate = tmp_path / "certificate.pem"
    new = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=sa", "-keyout", tmp_path / "key.pem")
    subprocess.run([*new, "-out", certificate], capture_output=True, check=True, timeout=TIMEOUT_S)
    fingerprint = read_line("openssl", "x509", "-in", certificate, "-noout", "-fingerprint", "-sha1").partition("=")[2]
    # The option `--type` of the client has no effect: it passes an argument that openstacksdk does not know.
    nova.compute.create_keypair(name="sa-x509", type="x509", public_key=certificate.read_text())
    try:
        shown = client.read("keypair", "show", "sa-x509")
        assert (shown["type"], shown["fingerprint"].upper()) == ("x509", fingerprint)
        assert client.run("keypair", "show", "--public-key", "sa-x509").strip() == certificate.read_text().strip()
    finally:
        client.run("keypair", "delete", "sa-x509")


def read_line(*argv: str | Path) -> str:
    """Return the output of a command."""
    return subprocess.run(argv, capture_output=True, check=True, text=True, timeout=TIMEOUT_S).stdout.strip()


def test_a_server_has_a_generated_key_and_user_data(client: OpenStackClient, one: Guest) -> None:
    """The client has generated the private key that logs in; the script has run, and the host name is that of the server."""
    assert "OPENSSH PRIVATE KEY" in one.key.read_text().splitlines()[0]
    wait_for("the script", lambda: one.run("cat /tmp/user-data-ran || true") == "sa-one\n")
    stored = client.run("keypair", "show", "--public-key", "sa-key").strip()
    assert stored in one.run("cat /root/.ssh/authorized_keys")


def test_a_server_reads_its_config_drive(one: Guest) -> None:
    """It has the same metadata as the metadata service, and the user data."""
    read = "mkdir -p /run/c && mount -t iso9660 -o ro /dev/sr0 /run/c && cat /run/c/openstack/latest/{} && umount /run/c"
    wait_for("the drive", lambda: one.run("test -b /dev/sr0 && echo there || true"))  # its driver is loaded after the SSH server
    drive = json.loads(one.run(read.format("meta_data.json")))
    assert (drive["uuid"], drive["name"], drive["meta"]) == (one.id, "sa-one", {"color": "red"})
    service = json.loads(one.run(METADATA))
    assert {name: drive[name] for name in ("uuid", "name", "hostname", "keys")} == {
        name: service[name] for name in ("uuid", "name", "hostname", "keys")
    }
    assert one.run(read.format("user_data")).startswith("#!/bin/sh\n")


def test_a_server_reads_its_changed_metadata(client: OpenStackClient, one: Guest) -> None:
    """A property that is set appears at 169.254.169.254, and one that is unset disappears."""

    def read() -> Any:  # noqa: ANN401 - decoded JSON
        return json.loads(one.run(METADATA))["meta"]

    client.run("server", "set", "--property", "shape=round", "sa-one")
    client.run("server", "unset", "--property", "color", "sa-one")
    wait_for("the new one", lambda: read() == {"shape": "round"})  # nova keeps its answers for 15 s
    assert client.read("server", "show", "sa-one")["properties"] == {"shape": "round"}


def test_a_server_has_a_console(client: OpenStackClient, one: Guest) -> None:
    """Its log is that of the serial line, whole or its last lines; the URL of its screen leads to the page of noVNC."""
    one.run("echo 'sa: written by the server' >/dev/ttyS0")
    log = wait_for("the line", lambda: find_in(client.run("console", "log", "show", "sa-one"), "sa: written by the server"))
    assert "tty: ready after" in log
    assert "tty: ready after" not in client.run("console", "log", "show", "--lines", "1", "sa-one")
    url = client.read("console", "url", "show", "--novnc", "sa-one")["url"]
    assert "token" in urlsplit(url).query
    assert "noVNC" in httpx.get(url).raise_for_status().text


def find_in(text: str, wanted: str) -> str:
    """Return the text if it contains what is wanted, and nothing otherwise."""
    return text if wanted in text else ""


def test_a_paused_server_continues(client: OpenStackClient, nova: openstack.connection.Connection, one: Guest) -> None:
    """While it is paused it does not answer; then it is still the same boot."""
    before = one.run(BOOT_ID)
    client.run("server", "pause", "sa-one")
    wait_for_status(nova, one.id, "PAUSED")
    assert state_of(client, nova, one) == "paused"
    assert not one.is_reachable()
    client.run("server", "unpause", "sa-one")
    wait_for_status(nova, one.id, "ACTIVE")
    assert one.run(BOOT_ID) == before


def test_a_suspended_server_keeps_its_memory(client: OpenStackClient, nova: openstack.connection.Connection, one: Guest) -> None:
    """While it is suspended it has no process; then it is still the same boot, with its files in memory."""
    before = one.run(f"echo in memory >/run/kept; {BOOT_ID}")
    client.run("server", "suspend", "sa-one")
    wait_for_status(nova, one.id, "SUSPENDED")
    assert state_of(client, nova, one) == "shut off"
    client.run("server", "resume", "sa-one")
    wait_for_status(nova, one.id, "ACTIVE")
    wait_for("ssh", one.is_reachable)
    assert one.run(f"cat /run/kept; {BOOT_ID}") == f"in memory\n{before}"


def test_a_stopped_server_is_shut_down(client: OpenStackClient, nova: openstack.connection.Connection, one: Guest) -> None:
    """Its last writes are on the disk, and another boot follows the start."""
    before = one.run(f"echo stop >{KEPT}; {BOOT_ID}")
    client.run("server", "stop", "sa-one")
    wait_for_status(nova, one.id, "SHUTOFF")
    assert state_of(client, nova, one) == "shut off"
    client.run("server", "start", "sa-one")
    wait_for_boot(one, before)
    assert one.run(f"cat {KEPT}") == "stop\n"
    assert events_of(client, "sa-one")[:2] == ["start", "stop"]


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_a_server_reboots(client: OpenStackClient, one: Guest, kind: str) -> None:
    """It boots again with its disk; a soft reboot shuts it down, so that its last writes are on the disk."""
    before = one.run(f"echo {kind} >{KEPT}; {'true' if kind == 'soft' else 'sync'}; {BOOT_ID}")
    client.run("server", "reboot", f"--{kind}", "--wait", "sa-one")
    wait_for_boot(one, before)
    assert one.run(f"cat {KEPT}") == f"{kind}\n"


def test_a_server_is_rescued(client: OpenStackClient, nova: openstack.connection.Connection, one: Guest) -> None:
    """It boots from a new disk and sees its own as the second one; then it boots from its own again."""
    before = one.run(f"echo rescue >{KEPT}; sync; {BOOT_ID}")
    client.run("server", "rescue", "sa-one")
    wait_for_status(nova, one.id, "RESCUE")
    wait_for_boot(one, before)
    assert size_of(one)[1] == 0  # the size of the image
    mount = (
        f"until losetup -o {OFFSET} /dev/loop1 /dev/vdb 2>/dev/null; do sleep 0.1; done; mkdir /run/old; mount -t ext4 /dev/loop1 /run/old"
    )
    rescued = one.run(f"{mount}; ls {KEPT} 2>/dev/null; cat /run/old/kept; umount /run/old; {BOOT_ID}").split()
    assert rescued[0] == "rescue"
    client.run("server", "unrescue", "sa-one")
    wait_for_status(nova, one.id, "ACTIVE")
    wait_for_boot(one, f"{rescued[1]}\n")
    assert one.run(f"cat {KEPT}; ls /dev/vd*") == "rescue\n/dev/vda\n"


def test_another_server_boots_from_a_snapshot(
    client: OpenStackClient, nova: openstack.connection.Connection, one: Guest, key: Path
) -> None:
    """It has the files of the first server, which has continued to run."""
    before = one.run(f"echo snapshot >{KEPT}; sync; {BOOT_ID}")
    client.run("server", "image", "create", "--name", "sa-snapshot", "--wait", "sa-one")
    try:
        assert client.read("image", "show", "sa-snapshot")["properties"]["image_type"] == "snapshot"
        one.run(f"echo later >{KEPT}; sync")
        with reachable(client, nova, "sa-copy", key, "--image", "sa-snapshot", "--key-name", "sa-key") as copy:
            assert copy.run(f"cat {KEPT}") == "snapshot\n"
            assert one.run(f"cat {KEPT}; {BOOT_ID}") == f"later\n{before}"
    finally:
        client.run("image", "delete", "sa-snapshot")


def test_old_backups_are_deleted(client: OpenStackClient, nova: openstack.connection.Connection, one: Guest) -> None:
    """Of three backups of a server with a rotation of two, the last two are left."""
    assert one.is_reachable()
    try:
        for number in range(1, 4):
            client.run(
                "server", "backup", "create", "--name", f"sa-backup-{number}", "--type", "daily", "--rotate", "2", "--wait", "sa-one"
            )
            # The image is active before the server is free for the next one.
            wait_for("the end", lambda: nova.compute.get_server(one.id).task_state is None)
        wait_for("the rotation", lambda: images_of(nova, "sa-backup") == {"sa-backup-2": "active", "sa-backup-3": "active"})
    finally:
        for name in images_of(nova, "sa-backup"):
            client.run("image", "delete", name)


def test_a_shelved_server_returns(client: OpenStackClient, nova: openstack.connection.Connection, one: Guest) -> None:
    """While it is shelved it is on no host; then it has its disk and its addresses again."""
    before = one.run(f"echo shelve >{KEPT}; sync; {BOOT_ID}")
    addresses = nova.compute.get_server(one.id).addresses
    client.run("server", "shelve", "sa-one")
    shelved = wait_for_status(nova, one.id, "SHELVED_OFFLOADED")
    assert (shelved.compute_host, shelved.addresses) == (None, addresses)
    assert images_of(nova, "sa-one") == {"sa-one-shelved": "active"}
    client.run("server", "unshelve", "--wait", "sa-one")
    wait_for_boot(one, before)
    assert one.run(f"cat {KEPT}") == "shelve\n"
    assert nova.compute.get_server(one.id).addresses == addresses
    assert images_of(nova, "sa-one") == {}


@pytest.fixture
def larger(client: OpenStackClient) -> Iterator[str]:
    """Return a flavor with more memory, processors and disk than the smallest one."""
    with client.temporary("flavor", "sa-larger", "--ram", "256", "--vcpus", "2", "--disk", "2"):
        yield "sa-larger"


def test_a_resize_is_reverted(client: OpenStackClient, nova: openstack.connection.Connection, one: Guest, larger: str) -> None:
    """The server has the size of the new flavor until then, and then its old size and disk again."""
    before = one.run(f"echo revert >{KEPT}; {BOOT_ID}")
    assert size_of(one) == (1, 1, False)
    client.run("server", "resize", "--flavor", larger, "--wait", "sa-one")
    wait_for_status(nova, one.id, "VERIFY_RESIZE")
    wait_for_boot(one, before)
    resized = one.run(BOOT_ID)
    assert (*size_of(one)[::2], nova.compute.get_server(one.id).flavor.name) == (2, True, larger)
    client.run("server", "resize", "revert", "sa-one")
    wait_for_status(nova, one.id, "ACTIVE")
    wait_for_boot(one, resized)
    assert (size_of(one), one.run(f"cat {KEPT}")) == ((1, 1, False), "revert\n")
    assert [(row["Type"], row["Status"]) for row in client.read("server", "migration", "list", "--server", one.id)][:1] == [
        ("resize", "reverted")
    ]
    assert events_of(client, "sa-one")[:2] == ["revertResize", "resize"]


def test_a_resize_is_confirmed(client: OpenStackClient, nova: openstack.connection.Connection, one: Guest, larger: str) -> None:
    """The server has the size of the new flavor, with the content of its disk and its address."""
    before = one.run(f"echo confirm >{KEPT}; {BOOT_ID}")
    client.run("server", "resize", "--flavor", larger, "--wait", "sa-one")
    wait_for_status(nova, one.id, "VERIFY_RESIZE")
    wait_for_boot(one, before)
    client.run("server", "resize", "confirm", "sa-one")
    wait_for_status(nova, one.id, "ACTIVE")
    assert [(row["Type"], row["Status"]) for row in client.read("server", "migration", "list", "--server", one.id)][:1] == [
        ("resize", "confirmed")
    ]
    assert events_of(client, "sa-one")[:2] == ["confirmResize", "resize"]
    assert (size_of(one), one.run(f"cat {KEPT} || true")) == ((2, 2, True), "confirm\n")


def test_a_server_is_rebuilt(client: OpenStackClient, nova: openstack.connection.Connection, one: Guest) -> None:
    """It has a new disk of its image or of another one, and keeps its id and its addresses."""
    addresses = nova.compute.get_server(one.id).addresses
    for image, command_line in ((None, "console=tty0"), ("disk-tty", "BOOT_IMAGE=vmlinuz")):
        before = one.run(f"echo rebuild >{KEPT}; sync; {BOOT_ID}")
        client.run("server", "rebuild", "--wait", *(("--image", image) if image else ()), "sa-one")
        wait_for_status(nova, one.id, "ACTIVE")
        wait_for_boot(one, before)
        assert "kept" not in one.run("ls /tmp").split()
        assert one.run("cat /proc/cmdline").startswith(command_line)
        assert nova.compute.get_server(one.id).addresses == addresses
