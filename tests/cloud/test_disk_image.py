"""The tty image as one bootable disk: logins over ssh and at the serial console."""

from pathlib import Path
from typing import TextIO

import openstack
import pytest

from tests.cloud.clients import connected, console, guest, serial_line, tty_password, wait_for
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]


def test_a_server_boots_from_the_disk(cloud: Stack, tmp_path: Path) -> None:
    """Its kernel is on the disk, its key is metadata; root logs in at the serial console with the password of the stack only."""
    with connected(cloud.folder / "credentials") as nova:
        image = nova.image.find_image("disk-tty", ignore_missing=False)
        with guest(nova, tmp_path, "disk", image_id=image.id) as server:
            assert server.run("cat /proc/cmdline").startswith("BOOT_IMAGE=vmlinuz ")
            assert "tty: lease of" in console(nova, server.id)
            wait_for("the login prompt", lambda: "tty login:" in console(nova, server.id))
            # Kept open, because QEMU checks only once a second whether the terminal is connected.
            with serial_line(cloud.folder, nova.compute.get_server(server.id).instance_name).open("w", buffering=1) as terminal:
                log_in(nova, server.id, terminal, "", response="Login incorrect")
                log_in(nova, server.id, terminal, tty_password(cloud.folder), response=" # ")
                terminal.write("echo $USER; tty\n")
                wait_for("the output", lambda: "\nroot\n/dev/ttyS0\n" in console(nova, server.id).replace("\r", ""))


def log_in(nova: openstack.connection.Connection, server_id: str, terminal: TextIO, password: str, *, response: str) -> None:
    """Type root's name and the password at the serial console, and wait for the response."""
    questions = console(nova, server_id).count("Password: ")
    terminal.write("root\n")
    wait_for("the question", lambda: console(nova, server_id).count("Password: ") > questions)  # text before it is discarded
    terminal.write(f"{password}\n")
    wait_for("the response", lambda: response in console(nova, server_id).rpartition("Password: ")[2])
