"""gunicorn's configuration of an API."""

import socket
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from novaflow.adapters.http import HttpClient
from novaflow.model.probe import HttpProbe
from tests.support.contexts import open_context
from tests.support.settings import make_settings
from workflows.services.oslo.wsgi import WsgiApi

API = WsgiApi("one-api", "One API.", "one.wsgi:application", 8790, env=lambda _: {"ONE_CONFIG": "/etc/one"}, needs=("one.configure",))
PREPARE = "import one_wsgi; one_wsgi.status = '200 OK'"
APPLICATION = """
status = "403 Forbidden"


def application(_, start):
    start(status, [])
    return [b"one"]
"""


async def read_config(root: Path, **settings: object) -> dict[str, Any]:
    """Return the variables of the configuration file, which gunicorn executes as Python."""
    async with open_context(root, settings=make_settings(**settings)) as ctx:
        await API.configure(ctx)
        variables: dict[str, Any] = {}
        exec((root / "etc/gunicorn/one-api.py").read_text(), variables)  # noqa: S102 - as gunicorn does
        return variables


async def test_the_api_listens_on_the_address_of_the_stack(tmp_path: Path) -> None:
    """The loopback address of the stack is the only one; a worker process is never killed because of a slow request."""
    config = await read_config(tmp_path, host_ip="192.0.2.1")
    assert (config["wsgi_app"], config["bind"]) == ("one.wsgi:application", ["127.0.2.1:8790"])
    assert (config["workers"], config["timeout"]) == (1, 0)


@pytest.mark.parametrize(("use_mysql", "threads"), [(True, 8), (False, 1)])
async def test_sqlite_has_one_writer(tmp_path: Path, use_mysql: bool, threads: int) -> None:  # noqa: FBT001
    """With SQLite an API handles one request at a time."""
    assert (await read_config(tmp_path, use_mysql=use_mysql))["threads"] == threads


async def test_the_service_passes_its_configuration_by_environment(tmp_path: Path) -> None:
    """Gunicorn has no arguments, because oslo.config would parse them."""
    service = API.service()
    async with open_context(tmp_path) as ctx:
        assert service.command(ctx) == (tmp_path / "venv/bin/gunicorn",)
        assert service.env is not None
        assert service.env(ctx) == {"ONE_CONFIG": "/etc/one", "GUNICORN_CMD_ARGS": f"--config {tmp_path}/etc/gunicorn/one-api.py"}
    assert (service.port, service.ready, service.needs) == (8790, HttpProbe(port=8790), ("one.configure",))


@asynccontextmanager
async def serving(root: Path) -> AsyncIterator[int]:
    """Run gunicorn with the configuration of an API that answers each request with 200, if it was prepared; return its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    api = WsgiApi("one-api", "One API.", "one_wsgi:application", port, env=lambda _: {}, needs=(), prepare=PREPARE)
    (root / "one_wsgi.py").write_text(APPLICATION)
    async with open_context(root) as ctx:
        ctx.paths.run.mkdir(parents=True)
        await api.configure(ctx)
        env = api.service().env
        assert env is not None
        variables = {**env(ctx), "PYTHONPATH": str(root)}
    argv = [str(Path(sys.executable).with_name("gunicorn"))]
    async with await anyio.open_process(argv, env=variables, stderr=None) as gunicorn:
        try:
            with anyio.fail_after(30):
                while not await answers(port):  # noqa: ASYNC110 - another process listens
                    await anyio.sleep(0.02)
            yield port
        finally:
            gunicorn.terminate()


async def answers(port: int) -> bool:
    """Return whether a program listens on the port."""
    try:
        await (await anyio.connect_tcp("127.0.0.1", port)).aclose()
    except OSError:
        return False
    return True


@pytest.mark.slow
async def test_an_application_is_prepared_before_its_first_request(tmp_path: Path) -> None:
    """Neutron and cinder would load their policies at the first request, and refuse a second one meanwhile."""
    async with serving(tmp_path) as port, aclosing(HttpClient()) as client:
        assert (await client.request("GET", f"http://127.0.0.1:{port}/")).status == 200


@pytest.mark.slow
async def test_a_request_may_name_hundreds_of_ids(tmp_path: Path) -> None:
    """Gunicorn limits neither the request line nor a header: nova lists the ports of all servers of a page in one request."""
    root = tmp_path / "a folder"
    root.mkdir()
    ids = "&".join(f"id={number:036}" for number in range(1000))
    async with serving(root) as port, aclosing(HttpClient()) as client:
        url = f"http://127.0.0.1:{port}/v2.0/ports"
        assert (await client.request("GET", f"{url}?{ids}")).status == 200
        assert (await client.request("GET", url, headers={"X-Long": "x" * 20_000})).status == 200
