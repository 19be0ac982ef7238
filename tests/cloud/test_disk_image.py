"""The tty image as one disk: its own boot loader starts it, and it is entered over ssh and at its serial console."""

# ruff: noqa: S603, TID251 - the programs tests start are their own

import subprocess
from pathlib import Path

import openstack
import pytest

from tests.cloud.clients import PATIENCE_S, connected, console, guest, wait_for
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]


def test_a_server_boots_from_the_disk_and_lets_users_in(cloud: Stack, tmp_path: Path) -> None:
    """The kernel comes from the disk, the address by DHCP, the key from the metadata; at the serial console root logs in."""
    with connected(cloud.folder / "credentials") as nova:
        image = nova.image.find_image("disk-tty", ignore_missing=False)
        with guest(nova, tmp_path, "disk", image_id=image.id) as server:
            assert server.run("cat /proc/cmdline").startswith("BOOT_IMAGE=vmlinuz ")
            assert "tty: lease of" in console(nova, server.id)
            wait_for("the question", lambda: "tty login:" in console(nova, server.id))
            # Held open: the emulator looks once a second whether anybody is there.
            with serial_line(nova, cloud, server.id).open("w", buffering=1) as typed:
                typed.write("root\n")
                wait_for("the shell", lambda: "/root # " in console(nova, server.id))
                typed.write("echo $USER; tty\n")
                wait_for("its answer", lambda: "\nroot\n/dev/ttyS0\n" in console(nova, server.id).replace("\r", ""))


def serial_line(nova: openstack.connection.Connection, cloud: Stack, server_id: str) -> Path:
    """Return the terminal that is the other end of the server's serial line."""
    name = nova.compute.get_server(server_id).instance_name
    words = ("virsh", "--connect", f"qemu+unix:///system?socket={cloud.folder}/run/libvirt/libvirt-sock", "ttyconsole", name)
    return Path(subprocess.run(words, capture_output=True, check=True, text=True, timeout=PATIENCE_S).stdout.strip())
