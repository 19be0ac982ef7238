"""The end of all servers and volumes, whoever they belong to; the cloud stays up."""

from collections.abc import Mapping

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import Skipped, step
from novaflow.model.workflow import Workflow
from workflows.services.cloud.bulk_delete import Kind, delete_all
from workflows.services.openstack import Api, log_in

ANYBODYS = "all_tenants=1"  # an administrator's question: what all projects have
VOLUME_TYPES = ("block-storage", "volumev3")  # what the catalogue calls cinder, today and yesterday
LONGEST_S = 1_800  # a thousand servers; one that will not die is given up long before


@step(within_s=60)
async def enter(ctx: Context) -> str:
    """Log in as the administrator; the token of the start may be too old."""
    return f"project {await log_in(ctx)}"


# Side by side with servers: one that will not die holds its own volumes only.
@step(needs=("terminate.enter",), within_s=LONGEST_S)
async def servers(ctx: Context) -> Skipped | str:
    """Delete all servers and wait until they are gone."""
    api = Api.logged_in(ctx)

    async def find() -> Mapping[str, str]:
        found = (await api.call("GET", api.compute(f"/servers/detail?{ANYBODYS}")))["servers"]
        return {server["id"]: f"{server['status']}, {server['OS-EXT-STS:task_state']}" for server in found}

    async def delete(server_id: str) -> None:
        await api.call("DELETE", api.compute(f"/servers/{server_id}"))

    return await delete_all(ctx, Kind("server", find, delete))


@step(needs=("terminate.enter",), within_s=LONGEST_S)
async def volumes(ctx: Context) -> Skipped | str:
    """Delete all volumes with their snapshots, and wait until they are gone."""
    api = Api.logged_in(ctx)
    url = await api.find_public_url(VOLUME_TYPES)
    if url is None:
        return Skipped("the catalogue has no volumes")

    async def find() -> Mapping[str, str]:
        found = (await api.call("GET", f"{url}/volumes/detail?{ANYBODYS}"))["volumes"]
        return {volume["id"]: volume["status"] for volume in found}

    async def delete(volume_id: str) -> None:
        await api.call("DELETE", f"{url}/volumes/{volume_id}?cascade=true")

    return await delete_all(ctx, Kind("volume", find, delete))


WORKFLOW = Workflow("terminate", "Servers and volumes of all projects are deleted; services stay up.")

COMPONENT = Component(name="terminate", summary="The end of all servers and volumes.", parts={"terminate": (enter, servers, volumes)})
