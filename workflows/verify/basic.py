"""`verify`: boots a server, waits for its lease, pings it and deletes it."""

from collections.abc import Awaitable

from novaflow.errors import ProgramFailed, StepFailed
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.probe import NotYet
from novaflow.model.step import Skipped, step
from novaflow.model.workflow import Workflow
from workflows.services.keystone.client import Api, admin_api
from workflows.services.neutron.settings import NetMan, NetworkSettings
from workflows.verify.verify_server import address_of, boot_server, delete_servers, find_network, find_server, runs_servers, wait_console

HAS_ADDRESS = ("tty: lease of", "tty: address")  # from DHCP, or from a config drive


@step(within_s=240)
async def boot(ctx: Context) -> str:
    """Boot a server with the smallest flavor."""
    await delete_servers(ctx)  # an interrupted check leaves its server
    return await _or_delete(ctx, boot_server(ctx, "ami-tty"))


@step(needs=("verify.boot",), within_s=170, when=runs_servers)
async def lease(ctx: Context) -> str:
    """Wait until the server reports its address on its console."""
    return await _or_delete(ctx, wait_console(ctx, HAS_ADDRESS, within_s=110))


@step(needs=("verify.lease",), within_s=110, when=runs_servers)
async def ping(ctx: Context) -> Skipped | str:
    """Ping the server from the namespace of its DHCP server or its router."""
    api = admin_api(ctx)
    address = address_of(await find_server(api))
    namespace = await _find_namespace(ctx, api)
    if namespace is None:
        return Skipped("the network has neither a DHCP server nor a router")

    async def answers() -> str:
        try:
            output = await ctx.run("ip", "netns", "exec", namespace, "/bin/busybox", "ping", "-c", "1", "-W", "1", address)
        except ProgramFailed as error:
            raise NotYet(error.log_tail) from error
        return next(line for line in output.splitlines() if "bytes from" in line)

    return await _or_delete(ctx, ctx.wait(answers, within_s=50))


async def _find_namespace(ctx: Context, api: Api) -> str | None:
    """Return a network namespace of this machine that is connected to the network of servers."""
    if ctx.settings.of(NetworkSettings).net_man is not NetMan.FLAT:
        return f"qdhcp-{(await find_network(api))['id']}"
    if ctx.has_component("neutron-l3-agent"):
        return f"qrouter-{(await api.get('network', '/v2.0/routers?name=router'))['routers'][0]['id']}"
    return None


@step(needs=("verify.boot",), after=("verify.ping",), within_s=60)
async def delete(ctx: Context) -> str:
    """Delete the server and wait until it no longer exists."""
    return await delete_servers(ctx)


async def _or_delete(ctx: Context, result: Awaitable[str]) -> str:
    """Return the result; delete the server if the check fails."""
    try:
        return await result
    except StepFailed:
        await delete_servers(ctx)
        raise


WORKFLOW = Workflow("verify", "Boot, ping and delete a server.", while_up=True)

COMPONENT = Component(name="verify", summary="Check that the cloud can boot a server.", parts={"verify": (boot, lease, ping, delete)})
