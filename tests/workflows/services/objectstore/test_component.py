"""The component of the object store."""

import importlib.util
import os
import sys
from pathlib import Path

import anyio
import pytest

from tests.support.contexts import open_context
from workflows.services.objectstore.component import API, COMPONENT, configure


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
