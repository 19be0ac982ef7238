"""`terminate`: deletes the servers and volumes of all projects; the services stay up."""

from collections.abc import Mapping

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import Skipped, step
from novaflow.model.workflow import Workflow
from workflows.services.cloud.bulk_delete import Kind, delete_all
from workflows.services.keystone.client import admin_api, log_in

ALL_PROJECTS = "all_tenants=1"  # only administrators may use this query
VOLUME_TYPES = ("block-storage", "volumev3")  # cinder's types in the catalog: the current and the old one
WITHIN_S = 1_800  # a thousand servers; without progress the step fails much earlier


@step(within_s=60)
async def enter(ctx: Context) -> str:
    """Log in as the administrator, because the token of the start may have expired."""
    return f"project {await log_in(ctx)}"


# In parallel with servers: a server that cannot be deleted blocks only its own volumes.
@step(needs=("terminate.enter",), within_s=WITHIN_S)
async def servers(ctx: Context) -> Skipped | str:
    """Delete all servers."""
    return await delete_servers(ctx, ALL_PROJECTS)


async def delete_servers(ctx: Context, query: str) -> Skipped | str:
    """Delete the servers that match a query, and wait until they have disappeared; see ``delete_all``."""
    api = admin_api(ctx)

    async def find() -> Mapping[str, str]:
        found = (await api.get("compute", f"/servers/detail?{query}"))["servers"]
        return {server["id"]: f"{server['status']}, {server['OS-EXT-STS:task_state']}" for server in found}

    async def delete(server_id: str) -> None:
        await api.delete("compute", f"/servers/{server_id}")

    return await delete_all(ctx, Kind("server", find, delete))


@step(needs=("terminate.enter",), within_s=WITHIN_S)
async def volumes(ctx: Context) -> Skipped | str:
    """Delete all volumes with their snapshots."""
    api = admin_api(ctx)
    url = await api.find_public_url(VOLUME_TYPES)
    if url is None:
        return Skipped("the cloud has no volume service")

    async def find() -> Mapping[str, str]:
        found = (await api.request("GET", f"{url}/volumes/detail?{ALL_PROJECTS}"))["volumes"]
        return {volume["id"]: volume["status"] for volume in found}

    async def delete(volume_id: str) -> None:
        await api.request("DELETE", f"{url}/volumes/{volume_id}?cascade=true")

    return await delete_all(ctx, Kind("volume", find, delete))


WORKFLOW = Workflow("terminate", "Delete the servers and volumes of all projects; the services stay up.", while_up=True)

COMPONENT = Component(name="terminate", summary="Deletion of all servers and volumes.", parts={"terminate": (enter, servers, volumes)})
