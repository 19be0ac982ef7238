"""Access to the server over ssh: its key and its floating address."""

from pathlib import Path

from novaflow.errors import ProgramFailed
from novaflow.model.context import Context
from novaflow.model.probe import NotYet
from workflows.services.keystone.client import Api, admin_api
from workflows.services.neutron.networks import PUBLIC
from workflows.services.neutron.settings import NetMan, NetworkSettings
from workflows.verify.verify_server import NAME, find_server

COMPONENTS = ("neutron-l3-agent", "neutron-metadata-agent")  # without them, the server has no floating address or no key


async def create_key(ctx: Context) -> None:
    """Create a key pair in nova; the private key stays on this machine."""
    _key_file(ctx).unlink(missing_ok=True)
    output = await ctx.run("dropbearkey", "-t", "ed25519", "-f", _key_file(ctx))
    public = next(line for line in output.splitlines() if line.startswith("ssh-"))
    await admin_api(ctx).post("compute", "/os-keypairs", {"keypair": {"name": NAME, "public_key": public}})


async def delete_key(ctx: Context) -> None:
    """Delete the key pair, if it exists."""
    api = admin_api(ctx)
    for pair in (await api.get("compute", "/os-keypairs"))["keypairs"]:
        if pair["keypair"]["name"] == NAME:
            await api.delete("compute", f"/os-keypairs/{NAME}")
    _key_file(ctx).unlink(missing_ok=True)


def find_obstacle(ctx: Context) -> str | None:
    """Return why the server cannot be accessed over ssh; ``None`` if it can be."""
    missing = [name for name in COMPONENTS if not ctx.has_component(name)]
    if ctx.settings.of(NetworkSettings).net_man is NetMan.FLAT:
        missing.append("DHCP")
    return f"no ssh access to servers without {', '.join(missing)}" if missing else None


async def add_floating_ip(api: Api) -> str:
    """Create a floating address for the server and return it."""
    public = (await api.get("network", f"/v2.0/networks?name={PUBLIC}"))["networks"][0]["id"]
    port = (await api.get("network", f"/v2.0/ports?device_id={(await find_server(api))['id']}"))["ports"][0]["id"]
    arguments = {"floating_network_id": public, "port_id": port, "description": NAME}
    created = await api.post("network", "/v2.0/floatingips", {"floatingip": arguments})
    return str(created["floatingip"]["floating_ip_address"])


async def delete_floating_ips(api: Api) -> None:
    """Delete the floating addresses of this and of interrupted checks."""
    for address in (await api.get("network", f"/v2.0/floatingips?description={NAME}")).get("floatingips", []):
        await api.delete("network", f"/v2.0/floatingips/{address['id']}")


async def run_in_server(ctx: Context, command: str) -> str:
    """Run a command in the server over ssh and return its output.

    Raises: NotYet, if the login fails.
    """
    found = await admin_api(ctx).get("network", f"/v2.0/floatingips?description={NAME}")
    address = found["floatingips"][0]["floating_ip_address"]
    try:
        # A connection to an unreachable server times out later than another attempt succeeds. Its host key is a minute old.
        output = await ctx.run("timeout", "20", "dbclient", "-yy", "-i", _key_file(ctx), f"root@{address}", command)
    except ProgramFailed as error:
        raise NotYet(error.log_tail) from error
    return output.strip()


def _key_file(ctx: Context) -> Path:
    return ctx.paths.run / "verify.key"
