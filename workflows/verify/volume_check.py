"""A volume that is attached to the server, written, read and detached."""

from typing import Any

from novaflow.errors import StepFailed
from novaflow.model.context import Context
from novaflow.model.probe import NotYet
from workflows.services.keystone.client import Api, admin_api
from workflows.verify.server_access import run_in_server
from workflows.verify.verify_server import NAME, find_server

DEVICE = "/dev/vdb"  # of the first volume of a server
CONTENT = "kept"
WRITE_AND_READ = (
    f"until test -b {DEVICE}; do sleep 0.1; done; echo {CONTENT} >{DEVICE}; sync; echo 3 >/proc/sys/vm/drop_caches; head -n 1 {DEVICE}"
)


async def check_volume(ctx: Context) -> str:
    """Attach a new volume to the server, write to it, read it and detach it.

    Raises: StepFailed, if the server reads something else or the volume does not reach the expected state.
    """
    api = admin_api(ctx)
    volume_id = (await api.post("block-storage", "/volumes", {"volume": {"size": 1, "name": NAME}}))["volume"]["id"]
    attachments = f"/servers/{(await find_server(api))['id']}/os-volume_attachments"
    await _wait_status(ctx, volume_id, "available")
    await api.post("compute", attachments, {"volumeAttachment": {"volumeId": volume_id}})
    await _wait_status(ctx, volume_id, "in-use")
    content = await ctx.wait(lambda: run_in_server(ctx, WRITE_AND_READ), within_s=60)
    if content != CONTENT:
        raise StepFailed(f"wrote `{CONTENT}` to volume {volume_id} and read `{content}`")
    await api.delete("compute", f"{attachments}/{volume_id}")
    await _wait_status(ctx, volume_id, "available")
    return f"wrote and read 1 GiB volume at {DEVICE}"


async def delete_volumes(api: Api) -> str:
    """Delete the volumes of this and of interrupted checks.

    Raises: NotYet, while one exists: a volume is detached a moment after its server is deleted.
    """
    remaining: list[dict[str, Any]] = (await api.get("block-storage", f"/volumes/detail?name={NAME}"))["volumes"]
    for volume in remaining:
        if volume["status"] in {"available", "error"}:
            await api.delete("block-storage", f"/volumes/{volume['id']}")
    if remaining:
        raise NotYet(f"volume {remaining[0]['id']} is in state {remaining[0]['status']}")
    return "volumes deleted"


async def _wait_status(ctx: Context, volume_id: str, status: str) -> None:
    api = admin_api(ctx)

    async def has_status() -> str:
        found: str = (await api.get("block-storage", f"/volumes/{volume_id}"))["volume"]["status"]
        if found == "error":
            raise StepFailed(f"volume {volume_id} is in state error")
        if found != status:
            raise NotYet(f"volume {volume_id} is in state {found}, expected {status}")
        return found

    await ctx.wait(has_status, within_s=60)
