"""What an administrator of nova tries: aggregates, zones, services, hypervisors, and moves of a server on the only host."""

# ruff: noqa: TID251 - it runs a program of the stack

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openstack
import pytest

from tests.cloud.clients import BOOT_S, TIMEOUT_S, console, server, virsh, wait_for
from tests.cloud.features.openstack_client import OpenStackClient, Refused
from tests.cloud.fresh import running

OTHER = "elsewhere"
OTHER_HOST = """
[DEFAULT]
host = {OTHER}
compute_driver = fake.FakeDriver
state_path = {folder}
instances_path = {folder}
"""

pytestmark = [pytest.mark.cloud, pytest.mark.long, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def host(client: OpenStackClient) -> str:
    """Return the name of the only host."""
    (hypervisor,) = client.read("hypervisor", "list")
    assert hypervisor["State"] == "up"
    return str(hypervisor["Hypervisor Hostname"])


@contextmanager
def aggregate(client: OpenStackClient, name: str, host: str, *options: str) -> Iterator[None]:
    """Create an aggregate with the host, and delete it at the end."""
    with client.temporary("aggregate", name, *options):
        client.run("aggregate", "add", "host", name, host)
        try:
            yield
        finally:
            client.run("aggregate", "remove", "host", name, host)


@contextmanager
def other_host(client: OpenStackClient, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a second nova-compute, with the name of another host and nova's fake driver; nova forgets it at the end of the block."""
    config = folder / "other-host.conf"
    config.write_text(OTHER_HOST.format(OTHER=OTHER, folder=folder))
    etc = client.folder / "etc/nova/nova.conf"
    command = (str(client.folder / "venv/bin/nova-compute"), "--config-file", str(etc), "--config-file", str(config))

    def services() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = client.read("compute", "service", "list", "--host", OTHER)
        return rows

    try:
        with (folder / "log").open("wb") as log, running(command, output=log.fileno()) as nova_compute:
            wait_for("the second host", lambda: "up" in {row["State"] for row in services()})
            yield nova_compute
    finally:
        for row in services():
            client.run("compute", "service", "delete", row["ID"])


def test_a_server_of_a_failed_host_is_evacuated(
    client: OpenStackClient, nova: openstack.connection.Connection, host: str, tmp_path: Path
) -> None:
    """Its host does not run any more: the server boots on this one, and the list of migrations has its evacuation."""
    with (
        other_host(client, tmp_path) as nova_compute,
        server(nova, "evacuated", availability_zone=f"nova:{OTHER}", networks="none") as created,
    ):
        assert created.compute_host == OTHER
        with pytest.raises(Refused, match="is still in use"):
            client.run("--os-compute-api-version", "2.90", "server", "evacuate", created.id)
        nova_compute.terminate()
        nova_compute.wait(TIMEOUT_S)
        client.run("--os-compute-api-version", "2.11", "compute", "service", "set", "--down", OTHER, "nova-compute")
        client.run("--os-compute-api-version", "2.90", "server", "evacuate", created.id)
        moved = wait_for("the evacuation", lambda: (found := nova.compute.get_server(created)).compute_host == host and found)
        wait_for("the boot", lambda: "tty: ready after" in console(nova, created.id), BOOT_S)
        assert virsh(client.folder, "domstate", moved.instance_name) == "running"
        (row,) = client.read("server", "migration", "list", "--server", created.id)
        assert (row["Type"], row["Status"], row["Source Compute"], row["Dest Compute"]) == ("evacuation", "done", OTHER, host)


def test_servers_start_in_a_zone_of_ones_own(client: OpenStackClient, nova: openstack.connection.Connection, host: str) -> None:
    """An aggregate makes the zone; a server is in the zone that it asked for, and in no other."""
    with aggregate(client, "zoned", host, "--zone", "attic"):
        assert "attic" in {row["Zone Name"] for row in client.read("availability", "zone", "list", "--compute")}
        with server(nova, "zoned", availability_zone="attic") as created:
            assert created.availability_zone == "attic"
            with pytest.raises(Refused, match="the host already has 1 instance"):
                client.run("aggregate", "remove", "host", "zoned", host)
    with pytest.raises(Refused, match="requested availability zone is not available"):
        client.run(
            "server", "create", "nowhere", "--image", "ami-tty", "--flavor", 1, "--network", "private", "--availability-zone", "attic"
        )


@pytest.mark.parametrize("options", [("--disk", 100_000), ("--property", "trait:CUSTOM_RARE=required")])
def test_a_flavor_that_no_host_can_run(client: OpenStackClient, options: tuple[object, ...]) -> None:
    """It asks for a larger disk than the host offers, or for a trait that it does not have: nova says that there is no host."""
    with client.temporary("flavor", "picky", "--ram", 128, *options) as picky:
        assert "No valid host was found" in client.read_failure("--image", "ami-tty", "--flavor", picky["id"])


def test_a_disabled_host_gets_no_server(client: OpenStackClient, host: str) -> None:
    """The server has the status ERROR with nova's reason; the service's status has the reason of the administrator."""
    client.run("compute", "service", "set", host, "nova-compute", "--disable", "--disable-reason", "maintenance")
    try:
        (row,) = client.read("compute", "service", "list", "--service", "nova-compute", "--long")
        assert (row["Status"], row["Disabled Reason"]) == ("disabled", "maintenance")
        assert "No valid host was found" in client.read_failure("--image", "ami-tty", "--flavor", 1)
    finally:
        client.run("compute", "service", "set", host, "nova-compute", "--enable")


def test_moves_from_the_only_host_are_refused(client: OpenStackClient, nova: openstack.connection.Connection, host: str) -> None:
    """Each with its reason, and the server is still ACTIVE."""
    with server(nova, "settled") as created:
        with pytest.raises(Refused, match="is still in use"):
            client.run("--os-compute-api-version", "2.90", "server", "evacuate", created.id)
        with pytest.raises(Refused, match="No valid host was found"):
            client.run("--os-compute-api-version", "2.90", "server", "migrate", "--live-migration", "--host", host, created.id)
        assert client.read("server", "show", created.id)["status"] == "ACTIVE"
        assert {row["Status"] for row in client.read("server", "migration", "list", "--server", created.id)} == {"error"}


def test_the_host_reports_what_it_has(client: OpenStackClient, nova: openstack.connection.Connection, host: str) -> None:
    """Placement counts a server's resources as used, and those of its host are what a guest can have."""
    (provider,) = nova.placement.resource_providers(name=host)

    def used() -> int:
        return int(nova.placement.get(f"/resource_providers/{provider.id}/usages").json()["usages"]["MEMORY_MB"])

    before = used()
    with server(nova, "counted"):
        wait_for("the allocation", lambda: used() == before + 128)
    wait_for("its end", lambda: used() == before)
    shown = client.read("hypervisor", "show", host)
    assert (shown["state"], shown["status"]) == ("up", "enabled")
