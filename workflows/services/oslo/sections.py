"""Sections that the configuration files of several services contain."""

from pathlib import Path

from novaflow.model.context import Context
from workflows.infra.rabbitmq.urls import transport_url
from workflows.platform.settings import MachineSettings
from workflows.services.oslo.config_file import Sections
from workflows.services.oslo.forking import ForkServer, helper_command


def messaging(ctx: Context) -> Sections:
    """Return the sections of a service that uses RPC; its server answers pings, which the readiness probe sends."""
    return {
        "DEFAULT": {"transport_url": transport_url(ctx), "rpc_ping_enabled": True},
        "oslo_messaging_notifications": {"driver": "noop"},
    }


def locks(ctx: Context, service: str) -> Sections:
    """Return the section that names the folder of a service's lock files."""
    return {"oslo_concurrency": {"lock_path": ctx.settings.of(MachineSettings).lock_path / service}}


def privsep(ctx: Context, config: Path, *contexts: str, fork_server: ForkServer | None = None) -> Sections:
    """Return the sections that start oslo.privsep's helpers without sudo, because the stack runs as root.

    ``contexts`` are the names of the privsep contexts; ``fork_server`` forks the helpers.
    """
    command = helper_command(ctx, fork_server, ctx.paths.venv / "bin" / "privsep-helper", "--config-file", config)
    return {name: {"helper_command": command} for name in contexts}
