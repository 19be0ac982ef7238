"""`verify --full`: uses everything the cloud offers: disk image, consoles, metadata, floating address, volume, EC2, objects."""

from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from novaflow.errors import NovaflowError, StepFailed
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.probe import NotYet
from novaflow.model.step import Skipped, step
from novaflow.model.workflow import Workflow
from workflows.infra.certificates.authority import trusted_authority
from workflows.infra.libvirt.address import uses_containers
from workflows.services.ec2_api.endpoint import ENDPOINT as EC2
from workflows.services.keystone.client import admin_api
from workflows.services.neutron.settings import NetMan, NetworkSettings
from workflows.services.objectstore.config import stack_keys
from workflows.services.objectstore.endpoint import ENDPOINT as S3
from workflows.services.objectstore.presigned import presign
from workflows.verify.ec2_request import sign_request
from workflows.verify.server_access import add_floating_ip, create_key, delete_floating_ips, delete_key, find_obstacle, run_in_server
from workflows.verify.verify_server import NAME, boot_server, delete_servers, find_server, runs_servers, wait_console
from workflows.verify.volume_check import CONTENT, check_volume, delete_volumes

SYSTEM_AUTHORITIES = "system"
VNC_HANDSHAKE = Path(__file__).with_name("vnc_handshake.py")


def _deletes_on_failure(body: Callable[[Context], Awaitable[Skipped | str]]) -> Callable[[Context], Awaitable[Skipped | str]]:
    """Delete everything that the checks have created if one of them fails."""

    @wraps(body)
    async def wrapped(ctx: Context) -> Skipped | str:
        try:
            return await body(ctx)
        except (NovaflowError, NotYet):
            await _delete_all(ctx)
            raise

    return wrapped


@step(within_s=300, when=runs_servers)
@_deletes_on_failure
async def boot(ctx: Context) -> str:
    """Boot a server with a key from the disk image."""
    await _delete_all(ctx)  # an interrupted check leaves its resources
    await create_key(ctx)
    # A container cannot boot the disk image, because it has no boot loader.
    return await boot_server(ctx, "ami-tty" if uses_containers(ctx.settings) else "disk-tty", key_name=NAME)


@step(needs=("verify-full.boot",), within_s=170, when=runs_servers)
@_deletes_on_failure
async def console(ctx: Context) -> str:
    """Wait until the server reports its address on its serial console."""
    return await wait_console(ctx, ("tty: lease of", "tty: address"), within_s=150)


@step(needs=("verify-full.console",), within_s=60, when=runs_servers)
@_deletes_on_failure
async def screen(ctx: Context) -> Skipped | str:
    """Open the server's graphical console through the console proxy."""
    if not ctx.has_component("nova-novncproxy"):
        return Skipped("nova-novncproxy is not part of the stack")
    api = admin_api(ctx)
    arguments = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    created = await api.post("compute", f"/servers/{(await find_server(api))['id']}/remote-consoles", arguments)
    url = urlsplit(created["remote_console"]["url"])
    path = f"/?token={url.query.rpartition('token%3D')[2]}"
    tls = (trusted_authority(ctx.settings, ctx.paths) or SYSTEM_AUTHORITIES,) if url.scheme == "https" else ()
    opened = await ctx.run(ctx.paths.venv / "bin" / "python", "-P", VNC_HANDSHAKE, str(url.hostname), str(url.port), path, *tls)
    return f"the console is open: {opened}"


@step(needs=("verify-full.console",), within_s=60, when=runs_servers)
@_deletes_on_failure
async def metadata(ctx: Context) -> Skipped | str:
    """Wait until the server has read its key from the metadata service."""
    if not ctx.has_component("neutron-metadata-agent") or ctx.settings.of(NetworkSettings).net_man is NetMan.FLAT:
        return Skipped("servers have no metadata without DHCP or neutron-metadata-agent")
    return await wait_console(ctx, ("tty: a key may log in",), within_s=50)


@step(needs=("verify-full.metadata",), within_s=120, when=runs_servers)
@_deletes_on_failure
async def floating(ctx: Context) -> Skipped | str:
    """Add a floating address to the server and log in over ssh."""
    if obstacle := find_obstacle(ctx):
        return Skipped(obstacle)
    address = await add_floating_ip(admin_api(ctx))
    return f"{await ctx.wait(lambda: run_in_server(ctx, 'uname -sr'), within_s=100)} at {address}"


@step(needs=("verify-full.floating", "verify-full.screen"), within_s=240, when=runs_servers)
@_deletes_on_failure
async def volume(ctx: Context) -> Skipped | str:
    """Attach a volume to the server, write to it, read it and detach it."""
    if not ctx.has_component("cinder"):
        return Skipped("cinder is not part of the stack")
    if obstacle := find_obstacle(ctx):
        return Skipped(obstacle)
    return await check_volume(ctx)


@step(within_s=60)
async def ec2(ctx: Context) -> Skipped | str:
    """List the regions over the EC2 API, with the administrator's keys."""
    if not ctx.has_component("ec2-api"):
        return Skipped("ec2-api is not part of the stack")
    url = sign_request(EC2.url(ctx.settings), "DescribeRegions", **stack_keys(ctx))
    response = await ctx.http("GET", url)
    if response.status != HTTPStatus.OK:
        raise StepFailed(f"DescribeRegions returned {response.status}")
    return "listed the regions"


@step(within_s=60)
async def objects(ctx: Context) -> Skipped | str:
    """Write, read and delete an object."""
    if not ctx.has_component("objectstore"):
        return Skipped("objectstore is not part of the stack")
    bucket, keys = f"{S3.url(ctx.settings)}{NAME}", stack_keys(ctx)
    await ctx.http("PUT", presign("PUT", bucket, **keys))
    await ctx.http("PUT", presign("PUT", f"{bucket}/object", **keys), content=CONTENT.encode())
    try:
        content = (await ctx.http("GET", presign("GET", f"{bucket}/object", **keys))).content.decode(errors="replace")
    finally:
        for url in (f"{bucket}/object", bucket):
            await ctx.http("DELETE", presign("DELETE", url, **keys))
    if content != CONTENT:
        raise StepFailed(f"wrote `{CONTENT}` to {bucket}/object and read `{content}`")
    return "wrote, read and deleted an object"


@step(needs=("verify-full.boot",), after=("verify-full.volume",), within_s=180, when=runs_servers)
async def delete(ctx: Context) -> str:
    """Delete the server, its address, its key and its volume."""
    return await _delete_all(ctx)


async def _delete_all(ctx: Context) -> str:
    api = admin_api(ctx)
    await delete_floating_ips(api)
    await delete_servers(ctx)
    await delete_key(ctx)
    if ctx.has_component("cinder"):
        await ctx.wait(lambda: delete_volumes(api), within_s=60)
    return "all resources of the check are deleted"


WORKFLOW = Workflow("verify-full", "Use everything the cloud offers, and delete it again.", while_up=True)

COMPONENT = Component(
    name="verify-full",
    summary="Check everything the cloud offers.",
    parts={"verify-full": (boot, console, screen, metadata, floating, volume, ec2, objects, delete)},
)
