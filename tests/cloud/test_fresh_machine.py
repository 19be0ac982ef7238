"""The first steps of a new user, on a machine with a minimal Debian and the repository."""

import platform
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cloud.clients import BOOT_S, wait_for
from tests.cloud.fresh import FreshMachine, fresh_machine, read_sources
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.stops_cloud, pytest.mark.timeout(1500)]

UP_WITHIN_S = 1200
WITHIN_S = 300
CLIENT = ("OS_CLOUD=novaflow", "OS_CLIENT_CONFIG_FILE=nova/credentials/clouds.yaml", "nova/venv/bin/openstack")


@contextmanager
def cloud_of_a_new_user(release: str, *settings: str, bundle: Path | None = None) -> Iterator[FreshMachine]:
    """Return a machine with a release of Debian after `nova.sh up`; after `clean`, at the end, nothing of the cloud remains."""
    with fresh_machine(release, bundle=bundle) as machine:
        before = machine.state()
        options = ("--from", bundle.name) if bundle else ()
        assert "nova is ready" in machine.run("env", *settings, "./nova.sh", "up", *options, within_s=UP_WITHIN_S).stdout
        yield machine
        machine.run("./nova.sh", "clean", within_s=WITHIN_S)
        assert machine.processes() == set()
        assert machine.state() - before == set()


def test_a_new_user_boots_a_server(stack: Stack) -> None:
    """`nova.sh up`, `verify` and `clean` succeed on Debian 13."""
    stack("clean")  # two clouds compete for processors and, without slirp4netns, for ports
    with cloud_of_a_new_user("trixie") as machine:
        assert "verify succeeded" in machine.run("./nova.sh", "verify", within_s=600).stdout


@pytest.mark.long
def test_a_new_user_without_a_network_boots_a_server(stack: Stack, tmp_path: Path) -> None:
    """`nova.sh up --from FILE`, `verify` and `clean` succeed on an empty machine like this one; FILE is all that it gets."""
    bundle = tmp_path / "bundle.tar"
    stack("bundle", str(bundle), within_s=UP_WITHIN_S)
    stack("clean")
    with cloud_of_a_new_user(platform.freedesktop_os_release()["VERSION_CODENAME"], bundle=bundle) as machine:
        assert "verify succeeded" in machine.run("./nova.sh", "verify", within_s=600).stdout
        assert machine.run("find", "/var", "-name", "novaflow-bundle*", within_s=WITHIN_S).stdout == ""


@pytest.mark.long
def test_servers_of_a_new_user_resolve_names(stack: Stack) -> None:
    """On Debian 12, with NOVAFLOW_NAT=1: a server finds the address of a name that this machine resolves, that of the packages."""
    stack("clean")
    name = str(urlsplit(read_sources("bookworm")[0].split()[1]).hostname)
    _, _, addresses = socket.gethostbyname_ex(name)
    with cloud_of_a_new_user("bookworm", "NOVAFLOW_NAT=1") as machine:
        assert "verify succeeded" in machine.run("./nova.sh", "verify", within_s=600).stdout

        def openstack(*arguments: str) -> str:
            return machine.run("env", *CLIENT, *arguments, within_s=WITHIN_S).stdout

        script = f"#!/bin/sh\nnslookup {name} >/dev/console 2>&1\n"
        machine.run("sh", "-c", f"printf '%s' '{script}' >script", within_s=WITHIN_S)
        flavor_and_image = ("--flavor", "m1.tiny", "--image", "ami-tty", "--network", "private")
        openstack("server", "create", *flavor_and_image, "--user-data", "script", "--wait", "curious")
        wait_for("the script", lambda: "user data ended with 0" in openstack("console", "log", "show", "curious"), BOOT_S)
        assert any(address in openstack("console", "log", "show", "curious") for address in addresses)
