"""Services of neutron without an API, and the readiness probe of its agents."""

from dataclasses import replace
from functools import partial

from novaflow.model.context import Context
from novaflow.model.probe import FunctionProbe, NotYet, Probe
from novaflow.model.service import Service
from workflows.infra.database.origin import host_name
from workflows.infra.openvswitch.bridges import ovs_environment
from workflows.services.keystone.client import admin_api
from workflows.services.neutron.config import config_file
from workflows.services.neutron.fork_server import FORK_SERVER

_NO_NAMESPACE = 255  # it was deleted since it was listed, or its file was left after a restart of the machine
_NOT_DELETED = (1, 2)  # the port does not exist any more, or belongs to the switch of the kernel, which deletes it


def daemon(  # noqa: PLR0913 - the services differ in all of them
    name: str, summary: str, ready: Probe, needs: tuple[str, ...], *, config: str, port: int | None = None
) -> Service:
    """Return a service of neutron; ``config`` is the name of its second configuration file."""
    alone = Service(
        name=name,
        summary=summary,
        command=lambda ctx: (ctx.paths.venv / "bin" / name, "--config-file", config_file(ctx), "--config-file", config_file(ctx, config)),
        env=ovs_environment,
        ready=ready,
        needs=("neutron.configure", *needs),
        within_s=120,
        port=port,
    )
    return FORK_SERVER.fork(alone)


def after_switch(agent: Service, namespaces: str, ports: tuple[str, ...]) -> Service:
    """Return the agent as one that has ports in namespaces: it is restarted with the switch, and connects them again.

    ``namespaces`` is how the names of its namespaces begin, and ``ports`` how those of its ports do.
    """
    before_start = partial(_delete_dead_ports, namespaces=namespaces, ports=ports)
    return replace(agent, before_start=before_start, restart_with=("ovs-vswitchd",))


async def _delete_dead_ports(ctx: Context, namespaces: str, ports: tuple[str, ...]) -> None:
    """Delete the ports of an agent that an earlier switch has left; the agent does not run, others may be creating theirs.

    Without the kernel's module, ovs-vswitchd processes the packets of these ports itself. The ports outlive it, but no new process
    can open them in their namespaces, and the agent would use them again. Without a carrier they are of no use.
    """
    for namespace in (await ctx.run("ip", "netns", "list")).splitlines():
        name = namespace.partition(" ")[0]
        if not name.startswith(namespaces):
            continue
        for link in (await ctx.run("ip", "-n", name, "-brief", "link", "show", ok=(0, _NO_NAMESPACE))).splitlines():
            port, state, *_ = link.split()
            if state == "DOWN" and port.startswith(ports):
                await ctx.run("ip", "-n", name, "link", "delete", port.partition("@")[0], ok=(0, *_NOT_DELETED))


def agent_probe(binary: str) -> FunctionProbe:
    """Return a probe that succeeds when neutron's API reports the agent on this host alive."""

    async def find_agent(ctx: Context) -> str:
        path = f"/v2.0/agents?binary={binary}&host={host_name(ctx.paths)}"
        agents = (await admin_api(ctx).get("network", path))["agents"]
        if not any(agent["alive"] for agent in agents):
            raise NotYet("neutron's API does not report the agent alive")
        return "neutron's API reports the agent alive"

    return FunctionProbe(find_agent, "alive in GET /v2.0/agents")
