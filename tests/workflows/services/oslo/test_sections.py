"""Sections that the configuration files of several services contain."""

from pathlib import Path

from tests.support.contexts import open_context
from tests.support.settings import make_settings
from workflows.services.oslo.sections import locks, messaging, privsep


async def test_rpc_servers_answer_pings(tmp_path: Path) -> None:
    """The transport is the broker of the stack, with the user of RPC."""
    async with open_context(tmp_path) as ctx:
        sections = messaging(ctx)
        password = ctx.secret("rabbitmq-rpc")
    assert sections["DEFAULT"] == {
        "transport_url": f"rabbit://openstack:{password}@127.0.0.1:5672/openstack",
        "rpc_ping_enabled": True,
    }


async def test_each_service_has_a_folder_of_lock_files(tmp_path: Path) -> None:
    """The folders are below LOCK_PATH."""
    async with open_context(tmp_path, settings=make_settings(lock_path=tmp_path / "locks")) as ctx:
        assert locks(ctx, "nova") == {"oslo_concurrency": {"lock_path": tmp_path / "locks" / "nova"}}


async def test_privsep_starts_helpers_without_sudo(tmp_path: Path) -> None:
    """The helper is that of the stack's environment, with the configuration of the service."""
    async with open_context(tmp_path) as ctx:
        command = f"{tmp_path}/venv/bin/privsep-helper --config-file /etc/one.conf"
        assert privsep(ctx, Path("/etc/one.conf"), "one", "two") == {"one": {"helper_command": command}, "two": {"helper_command": command}}
