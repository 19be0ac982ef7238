"""The server that a check boots, asks and deletes again."""

from typing import Any

from novaflow.errors import StepFailed
from novaflow.model.context import Context
from novaflow.model.probe import NotYet
from workflows.services.openstack import Api

NAME = "novaflow-verify"
SMALLEST = "1"  # of flavors
IPV4 = 4  # as nova calls it
CONSOLE_LINES = 20  # of a server that does not answer: where its boot ended


async def boot_server(ctx: Context, image: str, **arguments: str) -> str:
    """Boot the smallest server from an image, and say so when it is ACTIVE.

    Raises: StepFailed, if it ends in state ERROR or is not ACTIVE in time.
    """
    api = Api.logged_in(ctx)
    images = (await api.call("GET", api.image(f"/images?name={image}")))["images"]
    networks = [{"uuid": (await network_of(api))["id"]}]
    new = {"name": NAME, "flavorRef": SMALLEST, "imageRef": images[0]["id"], "networks": networks, **arguments}
    server_id = (await api.call("POST", api.compute("/servers"), {"server": new}))["server"]["id"]

    async def ask() -> str:
        server = (await api.call("GET", api.compute(f"/servers/{server_id}")))["server"]
        if server["status"] == "ERROR":
            message = f"server {server_id} is in state ERROR: {server.get('fault', {}).get('message')}"
            raise StepFailed(message)
        if server["status"] != "ACTIVE":
            raise NotYet(f"server {server_id} is in state {server['status']}, {server['OS-EXT-STS:task_state']}")
        return f"server {server_id} is ACTIVE at {address_of(server)}"

    return await ctx.wait(ask, within_s=170)


async def wait_console(ctx: Context, beginnings: tuple[str, ...], *, within_s: float) -> str:
    """Wait until the server's console has a line that begins like one of these, and return it.

    Raises: StepFailed, with the last lines of the console, if there is none in time.
    """
    api = Api.logged_in(ctx)
    server = await find_server(api)

    async def ask() -> str:
        said = await _console(api, server)
        line = next((line for line in said.splitlines() if line.startswith(beginnings)), None)
        if line is None:
            raise NotYet(f"no line `{beginnings[0]}` yet; the console ends with:\n{said}")
        return line.removeprefix("tty: ").strip()

    return await ctx.wait(ask, within_s=within_s)


async def delete_servers(ctx: Context) -> str:
    """Delete the servers of this check and of those that were interrupted, and wait until they are gone."""
    api = Api.logged_in(ctx)
    for server in await _list(api):
        await api.call("DELETE", api.compute(f"/servers/{server['id']}"))

    async def ask() -> str:
        if left := await _list(api):
            raise NotYet(f"server {left[0]['id']} is still there")
        return "it is gone"

    return await ctx.wait(ask, within_s=50)


async def find_server(api: Api) -> dict[str, Any]:
    """Return what nova knows of the server."""
    return (await _list(api))[0]


async def network_of(api: Api) -> dict[str, Any]:
    """Return the network of the server."""
    network: dict[str, Any] = (await api.call("GET", api.network("/networks?name=private")))["networks"][0]
    return network


def address_of(server: dict[str, Any]) -> str:
    """Return the server's own address."""
    addresses: list[dict[str, Any]] = next(iter(server["addresses"].values()))
    return str(next(address["addr"] for address in addresses if address["version"] == IPV4))


async def _list(api: Api) -> list[dict[str, Any]]:
    servers: list[dict[str, Any]] = (await api.call("GET", api.compute(f"/servers/detail?name=^{NAME}$")))["servers"]
    return servers


async def _console(api: Api, server: dict[str, Any]) -> str:
    body = {"os-getConsoleOutput": {"length": CONSOLE_LINES}}
    output: str = (await api.call("POST", api.compute(f"/servers/{server['id']}/action"), body))["output"]
    return output
