"""The steps of `verify --full`: what they skip, and what they delete where one fails."""

from pathlib import Path

import pytest

from novaflow.errors import StepFailed
from novaflow.model.component import Component
from novaflow.model.step import Skipped, Step
from tests.support.rest import RestServer, open_cloud_context
from tests.support.settings import make_settings
from tests.support.stand_ins import StandIns
from workflows.services.neutron.settings import NetMan
from workflows.verify.full import delete, ec2, floating, metadata, objects, screen, volume

LIST = "/compute/servers/detail?name=^novaflow-verify$"
FLOATING = "/network/v2.0/floatingips?description=novaflow-verify"
VOLUMES = "/block-storage/volumes/detail?name=novaflow-verify"
CINDER, NOVNC, L3, METADATA = (
    Component(name, "A component.") for name in ("cinder", "nova-novncproxy", "neutron-l3-agent", "neutron-metadata-agent")
)
NO_SSH = "no ssh access to servers without neutron-l3-agent, neutron-metadata-agent"


def prepare_deletion(rest: RestServer) -> None:
    """Prepare the responses to the deletion of one resource of each kind."""
    rest.respond("GET", FLOATING, {"floatingips": [{"id": "f", "floating_ip_address": "10.6.0.9"}]})
    rest.respond("GET", LIST, {"servers": [{"id": "s"}]})
    rest.respond("GET", LIST, {"servers": []})
    rest.respond("GET", "/compute/os-keypairs", {"keypairs": [{"keypair": {"name": name}} for name in ("mine", "novaflow-verify")]})
    rest.respond("GET", VOLUMES, {"volumes": [{"id": "v", "status": "in-use"}]})
    rest.respond("GET", VOLUMES, {"volumes": [{"id": "v", "status": "available"}]})
    rest.respond("GET", VOLUMES, {"volumes": []})
    for path in ("/network/v2.0/floatingips/f", "/compute/servers/s", "/compute/os-keypairs/novaflow-verify", "/block-storage/volumes/v"):
        rest.respond("DELETE", path)


@pytest.mark.parametrize(
    ("step", "components", "reason"),
    [
        (screen, (), "nova-novncproxy is not part of the stack"),
        (volume, (), "cinder is not part of the stack"),
        (volume, (CINDER,), NO_SSH),
        (floating, (), NO_SSH),
        (floating, (L3,), "no ssh access to servers without neutron-metadata-agent"),
        (ec2, (), "ec2-api is not part of the stack"),
        (objects, (), "objectstore is not part of the stack"),
    ],
)
async def test_what_the_stack_does_not_offer_is_skipped(
    tmp_path: Path, rest: RestServer, step: Step, components: tuple[Component, ...], reason: str
) -> None:
    """The reason names the component."""
    async with open_cloud_context(tmp_path, rest, *components) as ctx:
        assert await step.body(ctx) == Skipped(reason)
    assert rest.requests == []


async def test_without_dhcp_a_server_has_no_key(tmp_path: Path, rest: RestServer) -> None:
    """It reads the key from the metadata service, which it cannot reach."""
    async with open_cloud_context(tmp_path, rest, L3, METADATA, settings=make_settings(net_man=NetMan.FLAT)) as ctx:
        assert await floating.body(ctx) == Skipped("no ssh access to servers without DHCP")
        assert await metadata.body(ctx) == Skipped("servers have no metadata without DHCP or neutron-metadata-agent")


async def test_all_resources_of_the_check_are_deleted(tmp_path: Path, rest: RestServer) -> None:
    """Keys of other names stay; a volume is deleted when it is detached."""
    prepare_deletion(rest)
    async with open_cloud_context(tmp_path, rest, CINDER) as ctx:
        assert await delete.body(ctx) == "all resources of the check are deleted"
    assert [request.path for request in rest.requests if request.method == "DELETE"] == [
        "/network/v2.0/floatingips/f",
        "/compute/servers/s",
        "/compute/os-keypairs/novaflow-verify",
        "/block-storage/volumes/v",
    ]


async def test_a_failed_check_deletes_its_resources(tmp_path: Path, rest: RestServer) -> None:
    """The error is that of the check, with what was written and what was read."""
    server, attachments = {"id": "s"}, "/compute/servers/s/os-volume_attachments"
    rest.respond("GET", LIST, {"servers": [server]})
    prepare_deletion(rest)
    rest.respond("POST", "/block-storage/volumes", {"volume": {"id": "v"}})
    for status in ("creating", "available", "in-use"):
        rest.respond("GET", "/block-storage/volumes/v", {"volume": {"status": status}})
    rest.respond("POST", attachments, {})
    async with open_cloud_context(tmp_path, rest, CINDER, L3, METADATA) as ctx:
        StandIns(ctx).add("dbclient", script="echo lost")
        with pytest.raises(StepFailed, match=r"^wrote `kept` to volume v and read `lost`$"):
            await volume.body(ctx)
    assert rest.bodies("POST", attachments) == [{"volumeAttachment": {"volumeId": "v"}}]
    assert [request.path for request in rest.requests if request.method == "DELETE"][-1] == "/block-storage/volumes/v"


async def test_a_console_is_opened_with_the_token_of_its_url(tmp_path: Path, rest: RestServer) -> None:
    """The program gets host, port and path of the proxy, and prints the version of the protocol."""
    rest.respond("GET", LIST, {"servers": [{"id": "s"}]})
    url = "http://127.0.0.1:6080/vnc_lite.html?path=%3Ftoken%3Dabc-1"
    rest.respond("POST", "/compute/servers/s/remote-consoles", {"remote_console": {"url": url}})
    async with open_cloud_context(tmp_path, rest, NOVNC) as ctx:
        programs = StandIns(ctx)
        programs.add("python", script="printf 'RFB 003.008, 720x400'")
        assert await screen.body(ctx) == "the console is open: RFB 003.008, 720x400"
        (call,) = programs.calls
    assert call.endswith("vnc_handshake.py 127.0.0.1 6080 /?token=abc-1")
    body = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    assert rest.bodies("POST", "/compute/servers/s/remote-consoles") == [body]
