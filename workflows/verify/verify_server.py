"""The server that the checks boot, use and delete."""

from typing import Any

from novaflow.errors import StepFailed
from novaflow.model.context import Context
from novaflow.model.probe import NotYet
from novaflow.model.settings import Settings
from workflows.infra.libvirt.settings import LibvirtSettings, LibvirtType
from workflows.services.keystone.client import Api, admin_api
from workflows.services.neutron.networks import PRIVATE

NAME = "novaflow-verify"
SMALLEST_FLAVOR = "1"
IPV4 = 4  # a value of `version` in nova's addresses
CONSOLE_LINES = 20  # of a server whose boot does not finish


def runs_servers(settings: Settings) -> bool:
    """Return whether servers really run; nova's fake driver only pretends."""
    return settings.of(LibvirtSettings).libvirt_type is not LibvirtType.FAKE


async def boot_server(ctx: Context, image: str, **arguments: str) -> str:
    """Boot a server with the smallest flavor from an image, and wait until it is ACTIVE.

    Raises: StepFailed, if its state becomes ERROR or it is not ACTIVE in time.
    """
    api = admin_api(ctx)
    images = (await api.get("image", f"/v2/images?name={image}"))["images"]
    networks = [{"uuid": (await find_network(api))["id"]}]
    new = {"name": NAME, "flavorRef": SMALLEST_FLAVOR, "imageRef": images[0]["id"], "networks": networks, **arguments}
    server_id = (await api.post("compute", "/servers", {"server": new}))["server"]["id"]

    async def is_active() -> str:
        server = (await api.get("compute", f"/servers/{server_id}"))["server"]
        if server["status"] == "ERROR":
            raise StepFailed(f"server {server_id} is in state ERROR: {server.get('fault', {}).get('message')}")
        if server["status"] != "ACTIVE":
            raise NotYet(f"server {server_id} is in state {server['status']}, {server['OS-EXT-STS:task_state']}")
        return f"server {server_id} is ACTIVE at {address_of(server)}"

    return await ctx.wait(is_active, within_s=170)


async def wait_console(ctx: Context, prefixes: tuple[str, ...], *, within_s: float) -> str:
    """Wait until a line on the server's console starts with one of the prefixes, and return the line.

    Raises: StepFailed, with the last lines of the console, if there is no such line in time.
    """
    api = admin_api(ctx)
    server = await find_server(api)

    async def find_line() -> str:
        output = await _read_console(api, server)
        line = next((line for line in output.splitlines() if line.startswith(prefixes)), None)
        if line is None:
            raise NotYet(f"no line `{prefixes[0]}` yet; the console ends with:\n{output}")
        return line.removeprefix("tty: ").strip()

    return await ctx.wait(find_line, within_s=within_s)


async def delete_servers(ctx: Context) -> str:
    """Delete the servers of this and of interrupted checks, and wait until they no longer exist."""
    api = admin_api(ctx)
    for server in await _list_servers(api):
        await api.delete("compute", f"/servers/{server['id']}")

    async def is_deleted() -> str:
        if remaining := await _list_servers(api):
            raise NotYet(f"server {remaining[0]['id']} still exists")
        return "server deleted"

    return await ctx.wait(is_deleted, within_s=50)


async def find_server(api: Api) -> dict[str, Any]:
    """Return the server as nova's API describes it."""
    return (await _list_servers(api))[0]


async def find_network(api: Api) -> dict[str, Any]:
    """Return the network of the server as neutron's API describes it."""
    network: dict[str, Any] = (await api.get("network", f"/v2.0/networks?name={PRIVATE}"))["networks"][0]
    return network


def address_of(server: dict[str, Any]) -> str:
    """Return the fixed IPv4 address of the server."""
    addresses: list[dict[str, Any]] = next(iter(server["addresses"].values()))
    return str(next(address["addr"] for address in addresses if address["version"] == IPV4))


async def _list_servers(api: Api) -> list[dict[str, Any]]:
    servers: list[dict[str, Any]] = (await api.get("compute", f"/servers/detail?name=^{NAME}$"))["servers"]
    return servers


async def _read_console(api: Api, server: dict[str, Any]) -> str:
    body = {"os-getConsoleOutput": {"length": CONSOLE_LINES}}
    output: str = (await api.post("compute", f"/servers/{server['id']}/action", body))["output"]
    return output
