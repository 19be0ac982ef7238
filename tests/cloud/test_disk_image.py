"""The tty image as one bootable disk: logins over ssh and at the serial console."""

# ruff: noqa: S603, TID251 - tests start known programs

import subprocess
from pathlib import Path

import openstack
import pytest

from tests.cloud.clients import TIMEOUT_S, connected, console, guest, wait_for
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]


def test_a_server_boots_from_the_disk(cloud: Stack, tmp_path: Path) -> None:
    """It loads its kernel from the disk, gets its address by DHCP and its key from the metadata; root logs in at the serial console."""
    with connected(cloud.folder / "credentials") as nova:
        image = nova.image.find_image("disk-tty", ignore_missing=False)
        with guest(nova, tmp_path, "disk", image_id=image.id) as server:
            assert server.run("cat /proc/cmdline").startswith("BOOT_IMAGE=vmlinuz ")
            assert "tty: lease of" in console(nova, server.id)
            wait_for("the login prompt", lambda: "tty login:" in console(nova, server.id))
            # Kept open, because QEMU checks only once a second whether the terminal is connected.
            with serial_line(nova, cloud, server.id).open("w", buffering=1) as terminal:
                terminal.write("root\n")
                wait_for("the shell", lambda: "/root # " in console(nova, server.id))
                terminal.write("echo $USER; tty\n")
                wait_for("the output", lambda: "\nroot\n/dev/ttyS0\n" in console(nova, server.id).replace("\r", ""))


def serial_line(nova: openstack.connection.Connection, cloud: Stack, server_id: str) -> Path:
    """Return the terminal that is connected to the server's serial line."""
    name = nova.compute.get_server(server_id).instance_name
    command = ("virsh", "--connect", f"qemu+unix:///system?socket={cloud.folder}/run/libvirt/libvirt-sock", "ttyconsole", name)
    return Path(subprocess.run(command, capture_output=True, check=True, text=True, timeout=TIMEOUT_S).stdout.strip())
