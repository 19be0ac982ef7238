"""A user's check of all there is: disk image, console, floating address, metadata, volume, EC2, object store."""

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import wraps
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from novaflow.errors import NovaflowError, ProgramFailed, StepFailed
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.probe import NotYet
from novaflow.model.settings import Settings
from novaflow.model.step import Skipped, step
from novaflow.model.workflow import Workflow
from workflows.infra.libvirt.address import uses_containers
from workflows.infra.libvirt.settings import LibvirtSettings, LibvirtType
from workflows.services.neutron.settings import NetMan, NetworkSettings
from workflows.services.openstack import Api
from workflows.services.ports import EC2_PORT, S3_PORT
from workflows.verify.verify_server import NAME, boot_server, delete_servers, find_server, wait_console

DISK = "/dev/vdb"  # the first volume a server is given
WRITE_AND_READ = f"until test -b {DISK}; do sleep 0.1; done; echo kept >{DISK}; sync; echo 3 >/proc/sys/vm/drop_caches; head -n 1 {DISK}"
# What a browser sends, to the point where the server's screen says its protocol's name.
SCREEN = r"""
import socket, sys
host, port, path = sys.argv[1:]
asked = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: http://{host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
asked += "Sec-WebSocket-Key: bm92YWZsb3ctdmVyaWZ5IQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary\r\n\r\n"
with socket.create_connection((host, port), timeout=20) as connection:
    connection.sendall(asked.encode())
    answer = b""
    while b"RFB " not in answer:
        part = connection.recv(4096)
        if not part:
            sys.exit(f"no screen behind it: {answer.decode(errors='replace')}")
        answer += part
print(answer[answer.index(b"RFB "):].decode().strip())
"""


def _is_real(settings: Settings) -> bool:
    """Leave out what asks a server: a fake one runs nothing that could answer."""
    return settings.of(LibvirtSettings).libvirt_type is not LibvirtType.FAKE


def _leaving_nothing(body: Callable[[Context], Awaitable[Skipped | str]]) -> Callable[[Context], Awaitable[Skipped | str]]:
    """Let a check that fails delete all that the checks have made."""

    @wraps(body)
    async def wrapped(ctx: Context) -> Skipped | str:
        try:
            return await body(ctx)
        except (NovaflowError, NotYet):
            await _delete_all(ctx)
            raise

    return wrapped


@step(within_s=300, when=_is_real)
@_leaving_nothing
async def boot(ctx: Context) -> str:
    """Boot a server from the disk image, with a key; a container has no boot loader."""
    await _delete_all(ctx)  # an interrupted check leaves what it made
    _key(ctx).unlink(missing_ok=True)
    made = await ctx.run("dropbearkey", "-t", "ed25519", "-f", _key(ctx))
    api = Api.logged_in(ctx)
    public = next(line for line in made.splitlines() if line.startswith("ssh-"))
    await api.call("POST", api.compute("/os-keypairs"), {"keypair": {"name": NAME, "public_key": public}})
    return await boot_server(ctx, "ami-tty" if uses_containers(ctx.settings) else "disk-tty", key_name=NAME)


@step(needs=("verify-full.boot",), within_s=170, when=_is_real)
@_leaving_nothing
async def console(ctx: Context) -> str:
    """Wait until the serial console says that the system of the disk is up, with its address."""
    return await wait_console(ctx, ("tty: lease of", "tty: address"), within_s=150)


@step(needs=("verify-full.console",), within_s=60, when=_is_real)
@_leaving_nothing
async def screen(ctx: Context) -> Skipped | str:
    """Open the server's screen as a browser does."""
    if not ctx.has_component("nova-novncproxy"):
        return Skipped("nova-novncproxy was left out")
    api = Api.logged_in(ctx)
    arguments = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    made = await api.call("POST", api.compute(f"/servers/{(await find_server(api))['id']}/remote-consoles"), arguments)
    url = urlsplit(made["remote_console"]["url"])
    path = f"/?token={url.query.rpartition('token%3D')[2]}"
    said = await ctx.run(ctx.paths.venv / "bin" / "python", "-c", SCREEN, str(url.hostname), str(url.port), path)
    return f"it says {said.strip()}"


@step(needs=("verify-full.console",), within_s=60, when=_is_real)
@_leaving_nothing
async def metadata(ctx: Context) -> Skipped | str:
    """Wait until the server has its key from the metadata service."""
    if not ctx.has_component("neutron-metadata-agent") or ctx.settings.of(NetworkSettings).net_man is NetMan.FLAT:
        return Skipped("without DHCP or metadata agent, servers learn nothing of themselves")
    return await wait_console(ctx, ("tty: a key may log in",), within_s=50)


@step(needs=("verify-full.metadata",), within_s=120, when=_is_real)
@_leaving_nothing
async def floating(ctx: Context) -> Skipped | str:
    """Give the server a floating address and enter it over ssh."""
    if why := _closed(ctx):
        return Skipped(why)
    api = Api.logged_in(ctx)
    public = (await api.call("GET", api.network("/networks?name=public")))["networks"][0]["id"]
    port = (await api.call("GET", api.network(f"/ports?device_id={(await find_server(api))['id']}")))["ports"][0]["id"]
    arguments = {"floating_network_id": public, "port_id": port, "description": NAME}
    address = (await api.call("POST", api.network("/floatingips"), {"floatingip": arguments}))["floatingip"]["floating_ip_address"]
    return f"{await ctx.wait(lambda: _enter(ctx, 'uname -sr'), within_s=100)} at {address}"


@step(needs=("verify-full.floating", "verify-full.screen"), within_s=240, when=_is_real)
@_leaving_nothing
async def volume(ctx: Context) -> Skipped | str:
    """Give the server a volume, write to it and read it back inside, and take it away."""
    if not ctx.has_component("cinder"):
        return Skipped("cinder was left out")
    if why := _closed(ctx):
        return Skipped(why)
    api = Api.logged_in(ctx)
    made = (await api.call("POST", api.volume("/volumes"), {"volume": {"size": 1, "name": NAME}}))["volume"]["id"]
    attachments = api.compute(f"/servers/{(await find_server(api))['id']}/os-volume_attachments")
    await _wait_volume(ctx, made, "available")
    await api.call("POST", attachments, {"volumeAttachment": {"volumeId": made}})
    await _wait_volume(ctx, made, "in-use")
    read = await ctx.wait(lambda: _enter(ctx, WRITE_AND_READ), within_s=60)
    if read != "kept":
        raise StepFailed(f"volume {made} was written with `kept`, and read as `{read}`")
    await api.call("DELETE", f"{attachments}/{made}")
    await _wait_volume(ctx, made, "available")
    return f"1 GiB at {DISK} kept what was written"


@step(within_s=60)
async def ec2(ctx: Context) -> Skipped | str:
    """Ask EC2 for its regions, with the administrator's keys."""
    if not ctx.has_component("ec2-api"):
        return Skipped("ec2-api was left out")
    place = f"{ctx.settings.host_ip}:{EC2_PORT}"
    arguments = {
        "AWSAccessKeyId": ctx.secret("ec2-access"),
        "Action": "DescribeRegions",
        "SignatureMethod": "HmacSHA256",
        "SignatureVersion": "2",
        "Timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "Version": "2016-11-15",
    }
    words = urlencode(arguments, quote_via=quote)
    # Source: Amazon's "Signature Version 2 signing process"
    sealed = hmac.new(ctx.secret("ec2-secret").encode(), f"GET\n{place}\n/\n{words}".encode(), hashlib.sha256).digest()
    answer = await ctx.http("GET", f"http://{place}/?{words}&Signature={quote(base64.b64encode(sealed), safe='')}")
    if answer.status != HTTPStatus.OK:
        raise StepFailed(f"EC2 answered DescribeRegions with {answer.status}")
    return "it told its regions"


@step(within_s=60)
async def objects(ctx: Context) -> Skipped | str:
    """Put an object, get it back, and delete it."""
    if not ctx.has_component("objectstore"):
        return Skipped("objectstore was left out")
    bucket = f"http://{ctx.settings.host_ip}:{S3_PORT}/{NAME}"
    await ctx.http("PUT", bucket)
    await ctx.http("PUT", f"{bucket}/object", content=b"kept")
    try:
        read = await ctx.run("/bin/busybox", "wget", "-q", "-O", "-", f"{bucket}/object")
    finally:
        for what in (f"{bucket}/object", bucket):
            await ctx.http("DELETE", what)
    if read.strip() != "kept":
        raise StepFailed(f"{bucket}/object was put as `kept`, and came back as `{read}`")
    return "what was put came back"


@step(needs=("verify-full.boot",), after=("verify-full.volume",), within_s=180, when=_is_real)
async def delete(ctx: Context) -> str:
    """Delete server, address, key and volume, and wait until they are gone."""
    return await _delete_all(ctx)


async def _delete_all(ctx: Context) -> str:
    api = Api.logged_in(ctx)
    for address in (await api.call("GET", api.network(f"/floatingips?description={NAME}"))).get("floatingips", []):
        await api.call("DELETE", api.network(f"/floatingips/{address['id']}"))
    await delete_servers(ctx)
    for pair in (await api.call("GET", api.compute("/os-keypairs")))["keypairs"]:
        if pair["keypair"]["name"] == NAME:
            await api.call("DELETE", api.compute(f"/os-keypairs/{NAME}"))
    _key(ctx).unlink(missing_ok=True)
    if ctx.has_component("cinder"):
        await ctx.wait(lambda: _volumes_gone(api), within_s=60)
    return "nothing is left"


async def _volumes_gone(api: Api) -> str:
    """Delete what can be: a volume is let go a moment after its server is gone."""
    left: list[dict[str, Any]] = (await api.call("GET", api.volume(f"/volumes/detail?name={NAME}")))["volumes"]
    for one in left:
        if one["status"] in {"available", "error"}:
            await api.call("DELETE", api.volume(f"/volumes/{one['id']}"))
    if left:
        raise NotYet(f"volume {left[0]['id']} is {left[0]['status']}")
    return "they are gone"


async def _wait_volume(ctx: Context, volume_id: str, status: str) -> None:
    api = Api.logged_in(ctx)

    async def ask() -> str:
        found: str = (await api.call("GET", api.volume(f"/volumes/{volume_id}")))["volume"]["status"]
        if found == "error":
            raise StepFailed(f"volume {volume_id} is in state error")
        if found != status:
            raise NotYet(f"volume {volume_id} is {found}, not {status}")
        return found

    await ctx.wait(ask, within_s=60)


def _key(ctx: Context) -> Path:
    return ctx.paths.run / "verify.key"


def _closed(ctx: Context) -> str | None:
    """Return why nobody enters servers from here, ``None`` if they can be entered."""
    wanted = ("neutron-l3-agent", "neutron-metadata-agent")
    missing = [name for name in wanted if not ctx.has_component(name)]
    if ctx.settings.of(NetworkSettings).net_man is NetMan.FLAT:
        missing.append("DHCP")
    return f"without {', '.join(missing)} nobody enters the server" if missing else None


async def _enter(ctx: Context, command: str) -> str:
    """Run a command in the server over ssh, by its floating address, and return what it printed.

    Raises: NotYet, if it does not let us in.
    """
    api = Api.logged_in(ctx)
    address = (await api.call("GET", api.network(f"/floatingips?description={NAME}")))["floatingips"][0]["floating_ip_address"]
    try:
        # A server that is not reached yet would be waited for longer than asking again takes; its host key is a minute old.
        answer = await ctx.run("timeout", "20", "dbclient", "-yy", "-i", _key(ctx), f"root@{address}", command)
    except ProgramFailed as error:
        raise NotYet(error.log_tail) from error
    return answer.strip()


WORKFLOW = Workflow("verify-full", "Disk image, console, ssh, volume, EC2 and objects are used as a user would, and gone.")

COMPONENT = Component(
    name="verify-full",
    summary="A user's check of all there is.",
    parts={"verify-full": (boot, console, screen, metadata, floating, volume, ec2, objects, delete)},
)
