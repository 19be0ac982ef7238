"""A user's check: a server boots, gets its lease, answers a ping, and is deleted."""

from collections.abc import Awaitable

from novaflow.errors import ProgramFailed, StepFailed
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.probe import NotYet
from novaflow.model.settings import Settings
from novaflow.model.step import Skipped, step
from novaflow.model.workflow import Workflow
from workflows.infra.libvirt.settings import LibvirtSettings, LibvirtType
from workflows.services.neutron.settings import NetMan, NetworkSettings
from workflows.services.openstack import Api
from workflows.verify.verify_server import address_of, boot_server, delete_servers, find_server, network_of, wait_console

HAS_ADDRESS = ("tty: lease of", "tty: address")  # from DHCP, or from a config drive


def _is_real(settings: Settings) -> bool:
    """Leave out what asks a server: a fake one runs nothing that could ask for a lease, or answer."""
    return settings.of(LibvirtSettings).libvirt_type is not LibvirtType.FAKE


@step(within_s=240)
async def boot(ctx: Context) -> str:
    """Boot the smallest server."""
    await delete_servers(ctx)  # an interrupted check leaves its server
    return await _or_delete(ctx, boot_server(ctx, "ami-tty"))


@step(needs=("verify.boot",), within_s=170, when=_is_real)
async def lease(ctx: Context) -> str:
    """Wait until the server says on its console that it has its address."""
    return await _or_delete(ctx, wait_console(ctx, HAS_ADDRESS, within_s=110))


@step(needs=("verify.lease",), within_s=110, when=_is_real)
async def ping(ctx: Context) -> Skipped | str:
    """Ping the server from a namespace of its network: that of its DHCP, else of its router."""
    api = Api.logged_in(ctx)
    address = address_of(await find_server(api))
    if ctx.settings.of(NetworkSettings).net_man is not NetMan.FLAT:
        namespace = f"qdhcp-{(await network_of(api))['id']}"
    elif ctx.has_component("neutron-l3-agent"):
        namespace = f"qrouter-{(await api.call('GET', api.network('/routers?name=router')))['routers'][0]['id']}"
    else:
        return Skipped("without DHCP and router, nothing of this machine reaches it")

    async def ask() -> str:
        try:
            answer = await ctx.run("ip", "netns", "exec", namespace, "/bin/busybox", "ping", "-c", "1", "-W", "1", address)
        except ProgramFailed as error:
            raise NotYet(error.log_tail) from error
        return next(line for line in answer.splitlines() if "bytes from" in line)

    return await _or_delete(ctx, ctx.wait(ask, within_s=50))


@step(needs=("verify.boot",), after=("verify.ping",), within_s=60)
async def delete(ctx: Context) -> str:
    """Delete the server and wait until it is gone."""
    return await delete_servers(ctx)


async def _or_delete(ctx: Context, answer: Awaitable[str]) -> str:
    """Wait for the answer; a check that fails leaves no server behind."""
    try:
        return await answer
    except StepFailed:
        await delete_servers(ctx)
        raise


WORKFLOW = Workflow("verify", "A server boots, gets a lease, answers a ping, and is gone.")

COMPONENT = Component(name="verify", summary="A user's check of the cloud.", parts={"verify": (boot, lease, ping, delete)})
