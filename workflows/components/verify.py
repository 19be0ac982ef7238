"""A user's check: a server boots, gets its lease, answers a ping, and is deleted."""

from collections.abc import Awaitable, Callable
from typing import Any

from novaflow.errors import ProgramFailed, StepFailed
from novaflow.model.component import Component, Context, step
from novaflow.model.probe import NotYet
from novaflow.settings import LibvirtType, Settings
from workflows.shared.openstack import Api

NAME = "novaflow-verify"
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
    """Wait until the server says on its console that it has its lease."""
    api = Api.logged_in(ctx)
    server = await _find(api)

    async def ask() -> str:
        console = await _console(api, server)
        line = next((line for line in console.splitlines() if line.startswith("tty: lease of")), None)
        if line is None:
            raise NotYet(f"no lease yet; the console ends with:\n{console}")
        return line.removeprefix("tty: ").strip()

    return await _ask_or_delete(ctx, ask, within_s=110)


@step(needs=("verify.lease",), within_s=110, when=_is_real)
async def ping(ctx: Context) -> str:
    """Ping the server from its network's DHCP namespace."""
    server = await _find(Api.logged_in(ctx))
    address = _address(server)
    network_id = (await _network(Api.logged_in(ctx)))["id"]

    async def ask() -> str:
        try:
            answer = await ctx.run("ip", "netns", "exec", f"qdhcp-{network_id}", "/bin/busybox", "ping", "-c", "1", "-W", "1", address)
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
    return str(addresses[0]["addr"])


COMPONENT = Component(name="verify", summary="A user's check of the cloud.", parts={"verify": (boot, lease, ping, delete)})
