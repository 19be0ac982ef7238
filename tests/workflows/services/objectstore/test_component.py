"""The component of the object store."""

import importlib.util
import json
import os
import sys
from pathlib import Path

import anyio
import pytest

from novaflow.model.check import Severity
from novaflow.model.paths import Paths
from tests.support.contexts import open_context
from tests.support.settings import make_settings
from workflows.services.keystone.component import COMPONENT as KEYSTONE
from workflows.services.objectstore.component import API, COMPONENT, configure, is_private
from workflows.services.objectstore.config import config_file
from workflows.services.objectstore.s3_server.keystone import Account


@pytest.mark.slow
async def test_the_copied_server_needs_nothing_of_novaflow(tmp_path: Path) -> None:
    """The configuration of gunicorn names a function of the copy, which is imported without the checkout and opens the store."""
    async with open_context(tmp_path, COMPONENT) as ctx:
        await configure.body(ctx)
        env = {"PATH": os.defpath, **API.env(ctx)}
        spec = importlib.util.spec_from_file_location("options", ctx.paths.etc / "gunicorn" / "objectstore.py")
        assert spec
        assert spec.loader
        options = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(options)
        data = ctx.paths.data / "objectstore"
    module, _, function = options.wsgi_app.partition(":")
    program = f"import {module} as it, sys; it.{function}; print(*(name for name in sys.modules if name.startswith(('nova', 'work'))))"
    found = await anyio.run_process([sys.executable, "-P", "-c", program], env=env, cwd=tmp_path)
    assert found.stdout == b"\n"
    assert (data / "index.db").exists()


async def test_keystone_is_asked_where_it_is_part_of_the_stack(tmp_path: Path) -> None:
    """Without keystone, the configuration has no account; both have the key that s3rc exports."""
    found = []
    for name, components in (("with", (COMPONENT, KEYSTONE)), ("without", (COMPONENT,))):
        async with open_context(tmp_path / name, *components) as ctx:
            await configure.body(ctx)
            found.append(json.loads(config_file(ctx).read_text()))
            exports = (ctx.paths.credentials / "s3rc").read_text()
            assert (f"'{ctx.secret('ec2-secret')}'" in exports, found[-1]["secret"]) == (True, ctx.secret("ec2-secret"))
            assert (found[-1]["anonymous"], found[-1]["quota"]) == (False, 20 * 1024**3)
            assert config_file(ctx).stat().st_mode & 0o777 == 0o600
            password = ctx.secret("account-objectstore")
            if name == "with":
                assert Account(**found[0]["keystone"]) == Account("http://127.0.0.1:5000/v3", "objectstore", password, "service", "default")
    assert found[1]["keystone"] is None


async def test_s3rc_names_the_authority_with_tls(tmp_path: Path) -> None:
    """The AWS command line and libraries read it."""
    async with open_context(tmp_path, COMPONENT, settings=make_settings(novaflow_tls=True)) as ctx:
        await configure.body(ctx)
        exports = (ctx.paths.credentials / "s3rc").read_text()
    assert f"export AWS_CA_BUNDLE={ctx.paths.authority}\n" in exports
    assert "export AWS_ENDPOINT_URL_S3='https://127.0.0.1:3333/'\n" in exports


def test_an_open_object_store_is_a_warning(tmp_path: Path) -> None:
    """The check names the setting; an object store that needs signatures is good."""
    assert is_private(make_settings(), Paths(tmp_path)).severity is Severity.GOOD
    found = is_private(make_settings(novaflow_s3_anonymous=True), Paths(tmp_path))
    assert (found.severity, found.advice) == (Severity.WARNING, "set NOVAFLOW_S3_ANONYMOUS=0")
