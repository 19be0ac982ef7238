"""What `trace` finds in the logs of a cloud."""

import json
from pathlib import Path

import pytest

from tests.cloud.clients import connected, guest
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(300), pytest.mark.filterwarnings("default")]


def test_a_server_is_followed_from_its_creation_to_its_end(cloud: Stack, tmp_path: Path) -> None:
    """Through nova, placement, neutron and the agents, with the requests of its user and its events; each is one request."""
    with connected(cloud.folder / "credentials") as nova, guest(nova, tmp_path, "traced") as server:
        nova.compute.get_server(server.id)  # asks for it, which is left out
    shown = json.loads(cloud("trace", "traced", "--json").stdout)
    sources = {line["source"] for line in shown["lines"]}
    assert sources >= {"nova-api", "nova-compute", "placement", "neutron-openvswitch-agent", "event"}
    events = [line["text"] for line in shown["lines"] if line["source"] == "event"]
    assert {"instance.create-start", "instance.create-end", "instance.delete-end"} <= {*events}
    created = next(request for request in shown["requests"] if '"POST /v2.1/servers" ' in request["text"])
    its = {line["source"] for line in shown["lines"] if line["request"] == created["request"]}
    assert its >= {"nova-api", "nova-compute", "placement", "event"}
    assert not any(f'"GET /v2.1/servers/{server.id}" ' in line["text"] for line in shown["lines"])
    assert cloud("logs", "nova-compute", "--request", created["request"]).stdout
