"""The server of `verify`, on prepared responses of nova."""

from pathlib import Path
from typing import Any

import pytest

from novaflow.errors import StepFailed
from tests.support.rest import RestServer, open_cloud_context
from workflows.verify.verify_server import boot_server, delete_servers, wait_console

LIST = "/compute/servers/detail?name=^novaflow-verify$"


def prepare(rest: RestServer, *states: dict[str, Any]) -> None:
    """Prepare the responses to a boot; the server is in these states one after another."""
    rest.respond("GET", "/image/v2/images?name=ami-tty", {"images": [{"id": "i"}]})
    rest.respond("GET", "/network/v2.0/networks?name=private", {"networks": [{"id": "n"}]})
    rest.respond("POST", "/compute/servers", {"server": {"id": "s"}})
    for state in states:
        rest.respond("GET", "/compute/servers/s", {"server": {"id": "s", "OS-EXT-STS:task_state": "spawning", **state}})


async def test_a_server_boots(tmp_path: Path, rest: RestServer) -> None:
    """The answer contains its IPv4 address."""
    addresses = {"private": [{"version": 6, "addr": "fd00::1"}, {"version": 4, "addr": "10.0.0.7"}]}
    prepare(rest, {"status": "BUILD"}, {"status": "ACTIVE", "addresses": addresses})
    async with open_cloud_context(tmp_path, rest) as ctx:
        assert await boot_server(ctx, "ami-tty", key_name="key") == "server s is ACTIVE at 10.0.0.7"
    (created,) = rest.bodies("POST", "/compute/servers")
    assert created["server"] == {
        "name": "novaflow-verify",
        "flavorRef": "1",
        "imageRef": "i",
        "networks": [{"uuid": "n"}],
        "key_name": "key",
    }


async def test_the_fault_of_a_server_is_reported(tmp_path: Path, rest: RestServer) -> None:
    """A server in state ERROR ends the wait at once."""
    prepare(rest, {"status": "BUILD"}, {"status": "ERROR", "fault": {"message": "No valid host was found."}})
    async with open_cloud_context(tmp_path, rest) as ctx:
        with pytest.raises(StepFailed, match=r"^server s is in state ERROR: No valid host was found\.$"):
            await boot_server(ctx, "ami-tty")


async def test_a_line_of_the_console_is_found(tmp_path: Path, rest: RestServer) -> None:
    """Without it the error contains the end of the console."""
    rest.respond("GET", LIST, {"servers": [{"id": "s"}]})
    rest.respond("POST", "/compute/servers/s/action", {"output": "booting\n"})
    rest.respond("POST", "/compute/servers/s/action", {"output": "booting\ntty: lease of 10.0.0.7\n"})
    async with open_cloud_context(tmp_path, rest) as ctx:
        assert await wait_console(ctx, ("tty: lease of",), within_s=10) == "lease of 10.0.0.7"
        with pytest.raises(StepFailed, match=r"no line `tty: ready` yet; the console ends with:\nbooting\ntty: lease of 10\.0\.0\.7"):
            await wait_console(ctx, ("tty: ready",), within_s=0.1)


async def test_servers_of_interrupted_checks_are_deleted(tmp_path: Path, rest: RestServer) -> None:
    """The step waits until the API lists none."""
    rest.respond("GET", LIST, {"servers": [{"id": "a"}, {"id": "b"}]})
    rest.respond("GET", LIST, {"servers": [{"id": "b"}]})
    rest.respond("GET", LIST, {"servers": []})
    rest.respond("DELETE", "/compute/servers/a")
    rest.respond("DELETE", "/compute/servers/b")
    async with open_cloud_context(tmp_path, rest) as ctx:
        assert await delete_servers(ctx) == "server deleted"
    assert [request.method for request in rest.requests] == ["GET", "DELETE", "DELETE", "GET", "GET"]
