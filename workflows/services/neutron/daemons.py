"""Services of neutron without an API, and the readiness probe of its agents."""

from dataclasses import replace
from pathlib import Path

from novaflow.model.context import Context
from novaflow.model.probe import FunctionProbe, NotYet, Probe
from novaflow.model.service import Service
from workflows.infra.database.origin import host_name
from workflows.infra.openvswitch.bridges import ovs_environment
from workflows.services.keystone.client import admin_api
from workflows.services.neutron.config import config_file

_AFTER_SWITCH = Path(__file__).with_name("run-after-switch.sh")


def daemon(  # noqa: PLR0913 - the services differ in all of them
    name: str, summary: str, ready: Probe, needs: tuple[str, ...], *, config: str, port: int | None = None
) -> Service:
    """Return a service of neutron; ``config`` is the name of its second configuration file."""
    return Service(
        name=name,
        summary=summary,
        command=lambda ctx: (ctx.paths.venv / "bin" / name, "--config-file", config_file(ctx), "--config-file", config_file(ctx, config)),
        env=ovs_environment,
        ready=ready,
        needs=("neutron.configure", *needs),
        within_s=120,
        port=port,
    )


def after_switch(agent: Service) -> Service:
    """Return the agent as one that has ports in namespaces: it is restarted with the switch, and connects them again."""
    command = agent.command
    return replace(agent, command=lambda ctx: ("/bin/sh", _AFTER_SWITCH, *command(ctx)), restart_with=("ovs-vswitchd",))


def agent_probe(binary: str) -> FunctionProbe:
    """Return a probe that succeeds when neutron's API reports the agent on this host alive."""

    async def find_agent(ctx: Context) -> str:
        path = f"/v2.0/agents?binary={binary}&host={host_name(ctx.paths)}"
        agents = (await admin_api(ctx).get("network", path))["agents"]
        if not any(agent["alive"] for agent in agents):
            raise NotYet("neutron's API does not report the agent alive")
        return "neutron's API reports the agent alive"

    return FunctionProbe(find_agent, "alive in GET /v2.0/agents")
