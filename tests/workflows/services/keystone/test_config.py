"""keystone's configuration, its keys, and the files of clients."""

import base64
from configparser import RawConfigParser
from pathlib import Path

import anyio
import pytest
import yaml  # type: ignore[import-untyped]

from tests.support.contexts import open_context
from tests.support.settings import make_settings
from workflows.services.keystone.client_files import write
from workflows.services.keystone.component import COMPONENT, configure, forget_tokens
from workflows.services.keystone.config import config_file
from workflows.services.keystone.identity import auth_url
from workflows.services.keystone.service_auth import service_credentials, token_validation


async def test_the_keys_are_created_once(tmp_path: Path) -> None:
    """A second run keeps them: they decrypt what the first one stored."""
    async with open_context(tmp_path, COMPONENT) as ctx:
        await configure.body(ctx)
        before = {path: path.read_bytes() for path in (tmp_path / "etc/keystone").glob("*-keys/*")}
        await configure.body(ctx)
        assert {path: path.read_bytes() for path in (tmp_path / "etc/keystone").glob("*-keys/*")} == before
    assert sorted(f"{path.parent.name}/{path.name}" for path in before) == [
        "credential-keys/0",
        "credential-keys/1",
        "fernet-keys/0",
        "fernet-keys/1",
    ]
    assert {len(base64.urlsafe_b64decode(key)) for key in before.values()} == {32}
    assert all(path.stat().st_mode & 0o077 == 0 for path in before)


async def test_a_missing_key_is_created(tmp_path: Path) -> None:
    """The other one is kept."""
    async with open_context(tmp_path, COMPONENT) as ctx:
        await configure.body(ctx)
        keys = tmp_path / "etc/keystone/fernet-keys"
        before = (keys / "1").read_bytes()
        (keys / "0").unlink()
        await configure.body(ctx)
    assert sorted(path.name for path in keys.iterdir()) == ["0", "1"]
    assert (keys / "1").read_bytes() == before


async def test_rotated_keys_are_kept(tmp_path: Path) -> None:
    """The numbers of keys grow with each rotation; only new keys of tokens are created after the old ones were deleted."""
    async with open_context(tmp_path, COMPONENT) as ctx:
        await configure.body(ctx)
        tokens, credentials = tmp_path / "etc/keystone/fernet-keys", tmp_path / "etc/keystone/credential-keys"
        before = (tokens / "1").read_bytes()
        (credentials / "1").rename(credentials / "2")
        await forget_tokens.body(ctx)
        await configure.body(ctx)
    assert sorted(path.name for path in credentials.iterdir()) == ["0", "2"]
    assert sorted(path.name for path in tokens.iterdir()) == ["0", "1"]
    assert (tokens / "1").read_bytes() != before


@pytest.mark.parametrize(("use_ldap", "text"), [(False, "false"), (True, "true")])
async def test_domains_have_drivers_with_ldap(tmp_path: Path, use_ldap: bool, text: str) -> None:  # noqa: FBT001 - pytest passes it by name
    """With USE_LDAP=1 keystone reads the LDAP options of domains from its database."""
    config = RawConfigParser()
    async with open_context(tmp_path, COMPONENT, settings=make_settings(use_ldap=use_ldap)) as ctx:
        await configure.body(ctx)
        config.read(config_file(ctx))
    assert config["identity"]["domain_specific_drivers_enabled"] == text
    assert config["identity"]["domain_configurations_from_database"] == text
    assert config["token"]["expiration"] == "86400"


async def test_a_new_configuration_deletes_the_old_token(tmp_path: Path) -> None:
    """Its keys may have changed, and its databases are new."""
    async with open_context(tmp_path, COMPONENT) as ctx:
        await ctx.write(ctx.paths.run / "admin-token.json", "{}")
        await configure.body(ctx)
        assert not (ctx.paths.run / "admin-token.json").exists()


async def test_services_log_in_with_their_own_password(tmp_path: Path) -> None:
    """The options are the same in each section; the middleware's section also has the address for clients."""
    async with open_context(tmp_path, settings=make_settings(host_ip="192.0.2.1")) as ctx:
        nova, glance = service_credentials(ctx, "nova"), service_credentials(ctx, "glance")
        section = token_validation(ctx, "nova")["keystone_authtoken"]
        assert auth_url(ctx) == "http://127.0.2.1:5000"
    assert (nova["username"], nova["project_name"], nova["auth_url"]) == ("nova", "service", "http://127.0.2.1:5000")
    assert nova["password"] != glance["password"]
    assert section.items() >= nova.items()
    assert section["www_authenticate_uri"] == "https://192.0.2.1:5000"


async def test_clients_log_in_with_openrc_and_clouds_yaml(tmp_path: Path) -> None:
    """Both files contain the same credentials, and without NOVAFLOW_GROUP only their owner can read them."""
    async with open_context(tmp_path) as ctx:
        assert await write.body(ctx) == str(ctx.paths.credentials)
        password = ctx.secret("account-admin")
    files = [tmp_path / "credentials" / name for name in ("openrc", "clouds.yaml", "demo-openrc")]
    assert not any("cacert" in path.read_text().lower() for path in files)
    assert [path.stat().st_mode & 0o777 for path in files] == [0o600, 0o600, 0o600]
    output = (await anyio.run_process(["/bin/sh", "-euc", ". $0; env", str(files[0])], env={"no_proxy": "one"})).stdout.decode()
    environment = dict(line.partition("=")[::2] for line in output.splitlines())
    assert (environment["no_proxy"], environment["NO_PROXY"]) == ("one,127.0.0.1", "one,127.0.0.1")
    auth = yaml.safe_load(files[1].read_text())["clouds"]["novaflow"]["auth"]
    assert (environment["OS_AUTH_URL"], environment["OS_USERNAME"], environment["OS_PASSWORD"]) == (
        "http://127.0.0.1:5000/v3",
        "admin",
        password,
    )
    assert (auth["auth_url"], auth["username"], auth["password"]) == ("http://127.0.0.1:5000/v3", "admin", password)


@pytest.mark.parametrize("own", [True, False])
async def test_clients_trust_the_authority_of_the_stack(tmp_path: Path, own: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    """With TLS both files name it, but for a certificate that the user brings."""
    brought = {} if own else {"novaflow_tls_cert": Path("/crt"), "novaflow_tls_key": Path("/key")}
    async with open_context(tmp_path, settings=make_settings(novaflow_tls=True, **brought)) as ctx:
        await write.body(ctx)
    cloud = yaml.safe_load((ctx.paths.credentials / "clouds.yaml").read_text())["clouds"]["novaflow"]
    assert cloud["auth"]["auth_url"] == "https://127.0.0.1:5000/v3"
    assert cloud.get("cacert") == (str(ctx.paths.authority) if own else None)
    assert (f"export OS_CACERT='{ctx.paths.authority}'\n" in (ctx.paths.credentials / "openrc").read_text()) is own


async def test_an_ordinary_user_has_credentials_of_its_own(tmp_path: Path) -> None:
    """`demo` is in the domain of the services also with USE_LDAP=1, whose directory has only the administrator."""
    async with open_context(tmp_path, settings=make_settings(use_ldap=True)) as ctx:
        await write.body(ctx)
        password, admin = ctx.secret("account-demo"), ctx.secret("ldap-admin")
    clouds = yaml.safe_load((tmp_path / "credentials/clouds.yaml").read_text())["clouds"]
    assert list(clouds) == ["novaflow", "novaflow-demo"]
    assert clouds["novaflow-demo"]["auth"] == {
        "auth_url": "http://127.0.0.1:5000/v3",
        "username": "demo",
        "password": password,
        "project_name": "demo",
        "user_domain_name": "Default",
        "project_domain_id": "default",
    }
    openrc = (tmp_path / "credentials/demo-openrc").read_text()
    assert f"export OS_USERNAME='demo'\nexport OS_PASSWORD='{password}'\nexport OS_PROJECT_NAME='demo'\n" in openrc
    assert admin not in openrc
