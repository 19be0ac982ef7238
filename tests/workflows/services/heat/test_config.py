"""heat's configuration."""

from configparser import RawConfigParser
from pathlib import Path

import pytest

from tests.support.contexts import open_context
from workflows.services.heat.component import API, COMPONENT, configure
from workflows.services.heat.config import config_file


@pytest.fixture
async def config(tmp_path: Path) -> RawConfigParser:
    """Return heat.conf after the step that writes it."""
    config = RawConfigParser()
    async with open_context(tmp_path, COMPONENT, node="heat.configure") as ctx:
        assert await configure.body(ctx) == str(config_file(ctx))
        config.read(config_file(ctx))
    return config


async def test_the_api_finds_its_configuration(tmp_path: Path) -> None:
    """It searches the folder `.heat` of the home folder that its environment names."""
    async with open_context(tmp_path, COMPONENT, node="heat.configure") as ctx:
        await configure.body(ctx)
        assert Path(API.env(ctx)["HOME"], ".heat", "heat.conf") == config_file(ctx)
        assert config_file(ctx).stat().st_mode & 0o077 == 0


async def test_stack_users_have_a_domain(config: RawConfigParser, tmp_path: Path) -> None:
    """The engine logs in to it with the password that the template creates its administrator with."""
    options = config["DEFAULT"]
    async with open_context(tmp_path) as ctx:
        password = ctx.secret("account-heat-domain-admin")
    assert (options["stack_user_domain_name"], options["stack_domain_admin"]) == ("heat", "heat-domain-admin")
    assert options["stack_domain_admin_password"] == password


async def test_the_encryption_key_has_the_required_length(config: RawConfigParser) -> None:
    """The engine does not start with another length than 32 characters."""
    assert len(config["DEFAULT"]["auth_encryption_key"]) == 32


async def test_the_trustee_is_the_service_user(config: RawConfigParser) -> None:
    """A trust delegates roles to it, so it logs in without a project."""
    assert config["trustee"]["username"] == config["keystone_authtoken"]["username"] == "heat"
    assert config["trustee"]["password"] == config["keystone_authtoken"]["password"]
    assert "project_name" not in config["trustee"]


async def test_the_engine_answers_pings(config: RawConfigParser) -> None:
    """Its readiness probe is an RPC ping."""
    assert config["DEFAULT"]["rpc_ping_enabled"] == "true"
    assert config["DEFAULT"]["transport_url"].startswith("rabbit://openstack:")
