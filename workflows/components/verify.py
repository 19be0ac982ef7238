"""A user's check: a server boots, gets its lease, answers a ping, and is deleted."""

from collections.abc import Awaitable, Callable
from typing import Any

from novaflow.errors import ProgramFailed, StepFailed
from novaflow.model.component import Component, Context, Skipped, step
from novaflow.model.probe import NotYet
from novaflow.settings import LibvirtType, NetMan, Settings
from workflows.shared.openstack import Api, has_component

NAME = "novaflow-verify"
IPV4 = 4  # as nova calls it
HAS_ADDRESS = ("tty: lease of", "tty: address")  # from DHCP, or from a config drive
CONSOLE_LINES = 20  # of a server that does not answer: where its boot ended


def _is_real(settings: Settings) -> bool:
    """Leave out what asks a server: a fake one runs nothing that could ask for a lease, or answer."""
    return settings.libvirt_type is not LibvirtType.FAKE


@step(within_s=240)
async def boot(ctx: Context) -> str:
    """Boot the smallest server."""
    api = Api.logged_in(ctx)
    await _delete_all(ctx, api)  # an interrupted check leaves its server
    images = (await api.call("GET", api.image("/images?name=ami-tty")))["images"]
    networks = (await api.call("GET", api.network("/networks?name=private")))["networks"]
    new = {"name": NAME, "flavorRef": "1", "imageRef": images[0]["id"], "networks": [{"uuid": networks[0]["id"]}]}
    server_id = (await api.call("POST", api.compute("/servers"), {"server": new}))["server"]["id"]

    async def ask() -> str:
        server = (await api.call("GET", api.compute(f"/servers/{server_id}")))["server"]
        if server["status"] == "ERROR":
            message = f"server {server_id} is in state ERROR: {server.get('fault', {}).get('message')}"
            raise StepFailed(message)
        if server["status"] != "ACTIVE":
            raise NotYet(f"server {server_id} is in state {server['status']}, {server['OS-EXT-STS:task_state']}")
        return f"server {server_id} is ACTIVE at {_address(server)}"

    return await _ask_or_delete(ctx, ask, within_s=170)


@step(needs=("verify.boot",), within_s=170, when=_is_real)
async def lease(ctx: Context) -> str:
    """Wait until the server says on its console that it has its address."""
    api = Api.logged_in(ctx)
    server = await _find(api)

    async def ask() -> str:
        console = await _console(api, server)
        line = next((line for line in console.splitlines() if line.startswith(HAS_ADDRESS)), None)
        if line is None:
            raise NotYet(f"no address yet; the console ends with:\n{console}")
        return line.removeprefix("tty: ").strip()

    return await _ask_or_delete(ctx, ask, within_s=110)


@step(needs=("verify.lease",), within_s=110, when=_is_real)
async def ping(ctx: Context) -> Skipped | str:
    """Ping the server from a namespace of its network: that of its DHCP, else of its router."""
    api = Api.logged_in(ctx)
    address = _address(await _find(api))
    if ctx.settings.net_man is not NetMan.FLAT:
        namespace = f"qdhcp-{(await _network(api))['id']}"
    elif has_component(ctx, "neutron-l3-agent"):
        namespace = f"qrouter-{(await api.call('GET', api.network('/routers?name=router')))['routers'][0]['id']}"
    else:
        return Skipped("without DHCP and router, nothing of this machine reaches it")

    async def ask() -> str:
        try:
            answer = await ctx.run("ip", "netns", "exec", namespace, "/bin/busybox", "ping", "-c", "1", "-W", "1", address)
        except ProgramFailed as error:
            raise NotYet(error.last_lines) from error
        return next(line for line in answer.splitlines() if "bytes from" in line)

    return await _ask_or_delete(ctx, ask, within_s=50)


@step(needs=("verify.boot",), after=("verify.ping",), within_s=60)
async def delete(ctx: Context) -> str:
    """Delete the server and wait until it is gone."""
    return await _delete_all(ctx, Api.logged_in(ctx))


async def _ask_or_delete(ctx: Context, ask: Callable[[], Awaitable[str]], *, within_s: float) -> str:
    """Wait for the answer; a check that fails leaves no server behind."""
    try:
        return await ctx.wait(ask, within_s=within_s)
    except StepFailed:
        await _delete_all(ctx, Api.logged_in(ctx))
        raise


async def _delete_all(ctx: Context, api: Api) -> str:
    for server in await _list(api):
        await api.call("DELETE", api.compute(f"/servers/{server['id']}"))

    async def ask() -> str:
        if left := await _list(api):
            raise NotYet(f"server {left[0]['id']} is still there")
        return "it is gone"

    return await ctx.wait(ask, within_s=50)


async def _list(api: Api) -> list[dict[str, Any]]:
    servers: list[dict[str, Any]] = (await api.call("GET", api.compute(f"/servers/detail?name=^{NAME}$")))["servers"]
    return servers


async def _find(api: Api) -> dict[str, Any]:
    return (await _list(api))[0]


async def _network(api: Api) -> dict[str, Any]:
    network: dict[str, Any] = (await api.call("GET", api.network("/networks?name=private")))["networks"][0]
    return network


async def _console(api: Api, server: dict[str, Any]) -> str:
    body = {"os-getConsoleOutput": {"length": CONSOLE_LINES}}
    output: str = (await api.call("POST", api.compute(f"/servers/{server['id']}/action"), body))["output"]
    return output


def _address(server: dict[str, Any]) -> str:
    addresses: list[dict[str, Any]] = next(iter(server["addresses"].values()))
    return str(next(address["addr"] for address in addresses if address["version"] == IPV4))


COMPONENT = Component(name="verify", summary="A user's check of the cloud.", parts={"verify": (boot, lease, ping, delete)})
