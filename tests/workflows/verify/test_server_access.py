"""Access of the checks to their server: its key, its floating address and a login over ssh."""

from pathlib import Path

import pytest

from novaflow.errors import StepFailed
from novaflow.model.component import Component
from novaflow.model.probe import NotYet
from tests.support.rest import RestServer, open_cloud_context
from tests.support.stand_ins import StandIns
from workflows.services.keystone.client import admin_api
from workflows.verify.server_access import add_floating_ip, create_key, delete_key, run_in_server
from workflows.verify.volume_check import check_volume, delete_volumes

LIST = "/compute/servers/detail?name=^novaflow-verify$"
FLOATING = "/network/v2.0/floatingips?description=novaflow-verify"
KEY = "Generating\nPublic key portion is:\nssh-ed25519 AAAA root@host\nFingerprint: SHA256:x"


async def test_the_private_key_stays_on_this_machine(tmp_path: Path, rest: RestServer) -> None:
    """Nova gets the line of the public one; a key of an interrupted check is replaced."""
    rest.respond("POST", "/compute/os-keypairs", {})
    async with open_cloud_context(tmp_path, rest) as ctx:
        programs = StandIns(ctx)
        programs.add("dropbearkey", script=f"[ ! -e verify.key ] && echo '{KEY}'")
        (ctx.paths.run / "verify.key").write_text("old")
        await create_key(ctx)
        assert programs.calls == [f"dropbearkey -t ed25519 -f {tmp_path}/run/verify.key"]
    expected = {"keypair": {"name": "novaflow-verify", "public_key": "ssh-ed25519 AAAA root@host"}}
    assert rest.bodies("POST", "/compute/os-keypairs") == [expected]


async def test_a_key_that_does_not_exist_is_not_deleted(tmp_path: Path, rest: RestServer) -> None:
    """Nova would return 404; the private key is removed all the same."""
    rest.respond("GET", "/compute/os-keypairs", {"keypairs": [{"keypair": {"name": "novaflow-verify-2"}}]})
    async with open_cloud_context(tmp_path, rest) as ctx:
        (ctx.paths.run / "verify.key").touch()
        await delete_key(ctx)
        assert not (ctx.paths.run / "verify.key").exists()
    assert [request.method for request in rest.requests] == ["GET"]


async def test_a_floating_address_belongs_to_the_port_of_the_server(tmp_path: Path, rest: RestServer) -> None:
    """Its description names the check, which finds it again."""
    rest.respond("GET", LIST, {"servers": [{"id": "s"}]})
    rest.respond("GET", "/network/v2.0/networks?name=public", {"networks": [{"id": "n"}]})
    rest.respond("GET", "/network/v2.0/ports?device_id=s", {"ports": [{"id": "p"}]})
    rest.respond("POST", "/network/v2.0/floatingips", {"floatingip": {"floating_ip_address": "10.6.0.9"}})
    async with open_cloud_context(tmp_path, rest) as ctx:
        assert await add_floating_ip(admin_api(ctx)) == "10.6.0.9"
    expected = {"floating_network_id": "n", "port_id": "p", "description": "novaflow-verify"}
    assert rest.bodies("POST", "/network/v2.0/floatingips") == [{"floatingip": expected}]


async def test_a_command_runs_in_the_server(tmp_path: Path, rest: RestServer) -> None:
    """The login uses the key of the check; a login that fails is tried again, with the last output as the reason."""
    rest.respond("GET", FLOATING, {"floatingips": [{"floating_ip_address": "10.6.0.9"}]})
    async with open_cloud_context(tmp_path, rest) as ctx:
        programs = StandIns(ctx)
        programs.add("dbclient", script="echo 'Linux 6.1 '")
        assert await run_in_server(ctx, "uname -sr") == "Linux 6.1"
        assert programs.calls == [f"dbclient -yy -i {tmp_path}/run/verify.key root@10.6.0.9 uname -sr"]
        programs.add("dbclient", script="echo 'Connection refused' >&2; exit 1")
        with pytest.raises(NotYet, match=r"^Connection refused$"):
            await run_in_server(ctx, "uname -sr")


@pytest.mark.parametrize(("status", "is_deleted"), [("available", True), ("error", True), ("detaching", False), ("in-use", False)])
async def test_a_volume_in_use_is_waited_for(tmp_path: Path, rest: RestServer, status: str, is_deleted: bool) -> None:  # noqa: FBT001
    """Cinder rejects its deletion; the reason names its state."""
    rest.respond("GET", "/block-storage/volumes/detail?name=novaflow-verify", {"volumes": [{"id": "v", "status": status}]})
    rest.respond("DELETE", "/block-storage/volumes/v")
    async with open_cloud_context(tmp_path, rest) as ctx:
        with pytest.raises(NotYet, match=f"^volume v is in state {status}$"):
            await delete_volumes(admin_api(ctx))
    assert ("DELETE" in [request.method for request in rest.requests]) is is_deleted


def prepare_volume(rest: RestServer, *states: str) -> None:
    """Prepare the responses to the check of a volume, which has these states one after another."""
    rest.respond("GET", LIST, {"servers": [{"id": "s"}]})
    rest.respond("GET", FLOATING, {"floatingips": [{"floating_ip_address": "10.6.0.9"}]})
    rest.respond("POST", "/block-storage/volumes", {"volume": {"id": "v"}})
    for state in states:
        rest.respond("GET", "/block-storage/volumes/v", {"volume": {"status": state}})
    rest.respond("POST", "/compute/servers/s/os-volume_attachments", {})
    rest.respond("DELETE", "/compute/servers/s/os-volume_attachments/v")


async def test_a_volume_is_written_and_read(tmp_path: Path, rest: RestServer) -> None:
    """It is attached before, and detached afterwards."""
    prepare_volume(rest, "creating", "available", "attaching", "in-use", "detaching", "available")
    async with open_cloud_context(tmp_path, rest, Component("cinder", "Volumes.")) as ctx:
        StandIns(ctx).add("dbclient", script="echo kept")
        assert await check_volume(ctx) == "wrote and read 1 GiB volume at /dev/vdb"
    assert rest.bodies("POST", "/block-storage/volumes") == [{"volume": {"size": 1, "name": "novaflow-verify"}}]
    assert [request.method for request in rest.requests if request.path.endswith("attachments/v")] == ["DELETE"]


async def test_a_volume_in_state_error_ends_the_check(tmp_path: Path, rest: RestServer) -> None:
    """It is not attached."""
    prepare_volume(rest, "creating", "error")
    async with open_cloud_context(tmp_path, rest) as ctx:
        with pytest.raises(StepFailed, match=r"^volume v is in state error$"):
            await check_volume(ctx)
    assert [request.path for request in rest.requests if request.method == "POST"] == ["/block-storage/volumes"]
