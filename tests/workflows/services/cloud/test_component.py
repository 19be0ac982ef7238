"""The check that the cloud can boot a server, and `terminate`."""

from pathlib import Path
from typing import Any

import pytest

from novaflow.errors import StepFailed
from novaflow.model.step import Skipped
from tests.support.rest import RestServer, open_cloud_context
from workflows.services.cloud.component import FLAVORS, flavors, ready
from workflows.services.cloud.terminate import servers, volumes

SERVICES, HYPERVISORS = "/compute/os-services?binary=nova-compute", "/compute/os-hypervisors"
CANDIDATES = "/placement/allocation_candidates?resources=VCPU:1,MEMORY_MB:128"


async def test_the_smallest_flavor_can_be_scheduled(tmp_path: Path, rest: RestServer) -> None:
    """The step waits until nova-compute is up, its host is mapped to the cell, and placement has a candidate."""
    rest.respond("GET", SERVICES, {"services": []})
    rest.respond("GET", SERVICES, {"services": [{"state": "up"}]})
    rest.respond("GET", HYPERVISORS, {"hypervisors": []})
    rest.respond("GET", HYPERVISORS, {"hypervisors": [{"hypervisor_hostname": "vm"}]})
    rest.respond("GET", CANDIDATES, {"allocation_requests": []})
    rest.respond("GET", CANDIDATES, {"allocation_requests": [{}]})
    async with open_cloud_context(tmp_path, rest) as ctx:
        assert await ready.body(ctx) == "host vm can run an m1.tiny"
    assert [request.path for request in rest.requests] == [
        SERVICES,
        SERVICES,
        HYPERVISORS,
        SERVICES,
        HYPERVISORS,
        CANDIDATES,
        SERVICES,
        HYPERVISORS,
        CANDIDATES,
    ]


async def test_every_flavor_has_a_disk(tmp_path: Path, rest: RestServer) -> None:
    """Users cannot boot an image with a flavor that has none."""
    rest.respond("GET", "/compute/flavors?is_public=None", {"flavors": []})
    rest.respond("POST", "/compute/flavors")
    async with open_cloud_context(tmp_path, rest) as ctx:
        assert await flavors.body(ctx) == "m1.tiny, m1.small, m1.medium"
    created = [body["flavor"] for body in rest.bodies("POST", "/compute/flavors")]
    assert [(one["name"], one["ram"], one["vcpus"]) for one in created] == [
        ("m1.tiny", 128, 1),
        ("m1.small", 512, 1),
        ("m1.medium", 2048, 2),
    ]
    assert all(flavor.disk_gib > 0 for flavor in FLAVORS)


async def test_flavors_of_the_cloud_are_kept(tmp_path: Path, rest: RestServer) -> None:
    """Only those that are missing are created."""
    rest.respond("GET", "/compute/flavors?is_public=None", {"flavors": [{"id": "1"}, {"id": "3"}, {"id": "large"}]})
    rest.respond("POST", "/compute/flavors")
    async with open_cloud_context(tmp_path, rest) as ctx:
        await flavors.body(ctx)
    assert [body["flavor"]["id"] for body in rest.bodies("POST", "/compute/flavors")] == ["2"]


def server(name: str) -> dict[str, Any]:
    """Return a server in nova's format."""
    return {"id": name, "status": "ACTIVE", "OS-EXT-STS:task_state": None}


async def test_terminate_deletes_the_servers_of_all_projects(tmp_path: Path, rest: RestServer) -> None:
    """The step ends when the API lists none."""
    rest.respond("GET", "/compute/servers/detail?all_tenants=1", {"servers": [server("a"), server("b")]})
    rest.respond("GET", "/compute/servers/detail?all_tenants=1", {"servers": []})
    rest.respond("DELETE", "/compute/servers/a")
    rest.respond("DELETE", "/compute/servers/b")
    async with open_cloud_context(tmp_path, rest) as ctx:
        assert await servers.body(ctx) == "deleted 2 servers"
    assert {request.path for request in rest.requests if request.method == "DELETE"} == {"/compute/servers/a", "/compute/servers/b"}


async def test_terminate_needs_no_volume_service(tmp_path: Path, rest: RestServer) -> None:
    """Without one in the catalog, the step is skipped."""
    rest.respond("GET", "/identity/auth/catalog", {"catalog": []})
    async with open_cloud_context(tmp_path, rest) as ctx:
        assert await volumes.body(ctx) == Skipped("the cloud has no volume service")


async def test_terminate_deletes_volumes_with_their_snapshots(tmp_path: Path, rest: RestServer) -> None:
    """The address is that of the catalog."""
    endpoints = [{"interface": "public", "url": f"{rest.url}/volumes"}]
    rest.respond("GET", "/identity/auth/catalog", {"catalog": [{"type": "volumev3", "endpoints": endpoints}]})
    rest.respond("GET", "/volumes/volumes/detail?all_tenants=1", {"volumes": [{"id": "a", "status": "available"}]})
    rest.respond("GET", "/volumes/volumes/detail?all_tenants=1", {"volumes": []})
    rest.respond("DELETE", "/volumes/volumes/a?cascade=true")
    async with open_cloud_context(tmp_path, rest) as ctx:
        assert await volumes.body(ctx) == "deleted 1 volume"


async def test_an_error_of_the_api_fails_terminate(tmp_path: Path, rest: RestServer) -> None:
    """A list that cannot be read is not an empty list."""
    rest.respond("GET", "/compute/servers/detail?all_tenants=1", {}, status=403)
    async with open_cloud_context(tmp_path, rest) as ctx:
        with pytest.raises(StepFailed, match="returned 403"):
            await servers.body(ctx)
