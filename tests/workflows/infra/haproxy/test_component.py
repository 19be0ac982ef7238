"""HAProxy in front of a service: what clients can and cannot do at HOST_IP."""

import shutil
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from novaflow.adapters.local import NodeContext
from novaflow.errors import StepFailed
from novaflow.model.check import Severity
from novaflow.model.component import Component
from novaflow.model.endpoint import Endpoint
from novaflow.model.paths import Paths
from novaflow.model.probe import NotYet
from tests.support.brokers import free_ports
from tests.support.contexts import open_context
from tests.support.settings import make_settings
from workflows.infra.certificates.authority import EC_KEY, Certificate, create_certificate, own_authority
from workflows.infra.certificates.component import authority
from workflows.infra.haproxy.component import PROXY, check_certificate, check_exposure, configure, connect_all
from workflows.services.oslo.wsgi import WsgiApi

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("haproxy") is None, reason="haproxy is not installed")]

APPLICATION = """
def application(environ, start):
    start("200 OK", [("Content-Type", "text/plain")])
    names = ("wsgi.url_scheme", "HTTP_HOST", "REMOTE_ADDR")
    return [" ".join([*(environ[name] for name in names), str(len(environ["QUERY_STRING"]))]).encode()]
"""


async def wait_for(address: str, port: int) -> None:
    """Return when a program listens on the port."""
    with anyio.fail_after(30):
        while True:
            try:
                await (await anyio.connect_tcp(address, port)).aclose()
            except OSError:
                await anyio.sleep(0.02)
            else:
                return


@asynccontextmanager
async def proxied(root: Path, **settings: object) -> AsyncIterator[tuple[NodeContext, Endpoint, Endpoint]]:
    """Run an HTTP service and HAProxy; return the context of a step, its endpoint, and an endpoint of another protocol."""
    port, other, tls_port = free_ports(3)
    http, raw = Endpoint("one", port, "/v1"), Endpoint("raw", other, tls_port=tls_port, is_http=False)
    (root / "one_wsgi.py").write_text(APPLICATION)
    api = WsgiApi("one", "An API.", "one_wsgi:application", port, lambda _: {}, needs=())
    component = Component("one", "An API.", declares=(http, raw))
    async with open_context(root, component, settings=make_settings(**settings)) as ctx:
        ctx.paths.run.mkdir(parents=True, exist_ok=True)
        ctx.paths.credentials.mkdir(exist_ok=True)
        await api.configure(ctx)
        await authority.body(ctx)
        how = "with TLS" if ctx.settings.tls else "without encryption"
        assert await configure.body(ctx) == f"offers one, raw at {ctx.settings.host_ip} {how}"
        env = api.service().env
        assert env is not None
        gunicorn = str(Path(sys.executable).with_name("gunicorn"))
        proxy = [str(word) for word in PROXY.command(ctx)]
        async with (
            await anyio.open_process([gunicorn], env={**env(ctx), "PYTHONPATH": str(root)}, stderr=None) as service,
            await anyio.open_process(proxy, stderr=None) as haproxy,
        ):
            try:
                await wait_for(ctx.settings.local_ip, port)
                await wait_for(ctx.settings.host_ip, port)
                yield ctx, http, raw
            finally:
                haproxy.terminate()
                service.terminate()


async def test_clients_use_tls(tmp_path: Path) -> None:
    """The service learns the scheme and the host that the client used, and a request may name hundreds of ids."""
    async with proxied(tmp_path, novaflow_tls=True) as (ctx, endpoint, _):
        ids = "&".join(f"id={number:036}" for number in range(1000))
        url = endpoint.url(ctx.settings)
        answer = await ctx.http("GET", f"{url}?{ids}", headers={"X-Forwarded-Proto": "http"})
        assert answer.content.decode() == f"https 127.0.0.1:{endpoint.port} 127.0.0.1 {len(ids)}"
        assert await connect_all(ctx) == "accepted connections to 1 endpoints"
        assert ctx.settings.local_ip == "127.1.0.1"


async def test_a_client_without_tls_is_refused(tmp_path: Path) -> None:
    """The port is the same, and nothing is answered in plain text."""
    async with proxied(tmp_path, novaflow_tls=True) as (ctx, endpoint, _):
        with pytest.raises(NotYet):
            await ctx.http("GET", f"http://127.0.0.1:{endpoint.port}/v1")


async def test_only_the_authority_of_the_stack_makes_the_endpoint_trusted(tmp_path: Path) -> None:
    """A client that trusts the authorities of the system refuses it; so does one that expects another host."""
    async with proxied(tmp_path, novaflow_tls=True) as (ctx, endpoint, _):
        trusting = ssl.create_default_context(cafile=ctx.paths.authority)
        for context, host in ((ssl.create_default_context(), "127.0.0.1"), (trusting, "127.0.0.2"), (trusting, "localhost")):
            with pytest.raises(ssl.SSLCertVerificationError), socket.create_connection(("127.0.0.1", endpoint.port)) as connection:
                context.wrap_socket(connection, server_hostname=host)


async def test_old_versions_of_tls_are_refused(tmp_path: Path) -> None:
    """TLS 1.1 is."""
    async with proxied(tmp_path, novaflow_tls=True) as (ctx, endpoint, _):
        context = ssl.create_default_context(cafile=ctx.paths.authority)
        with pytest.deprecated_call():
            context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises(ssl.SSLError), socket.create_connection(("127.0.0.1", endpoint.port)) as connection:
            context.wrap_socket(connection, server_hostname="127.0.0.1")


async def test_other_protocols_are_forwarded_byte_by_byte(tmp_path: Path) -> None:
    """TLS has another port for them, as AMQP has."""
    async with proxied(tmp_path, novaflow_tls=True) as (ctx, _, raw):
        context = ssl.create_default_context(cafile=ctx.paths.authority)
        listener = await anyio.create_tcp_listener(local_host=ctx.settings.local_ip, local_port=raw.port)

        async def echo(stream: anyio.abc.SocketStream) -> None:
            async with stream:
                await stream.send(await stream.receive())

        async with listener, anyio.create_task_group() as group:
            group.start_soon(listener.serve, echo)
            client = await anyio.connect_tcp("127.0.0.1", raw.public_port(ctx.settings), tls_hostname="127.0.0.1", ssl_context=context)
            await client.send(b"AMQP\x00\x00\x09\x01")
            assert await client.receive() == b"AMQP\x00\x00\x09\x01"
            await client.aclose()
            group.cancel_scope.cancel()


async def test_without_tls_the_proxy_forwards(tmp_path: Path) -> None:
    """The address is not a loopback address to novaflow, and services listen on loopback alone; a client cannot claim TLS."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this network namespace has no address but loopback")
        host = probe.getsockname()[0]
    async with proxied(tmp_path, host_ip=host, novaflow_tls=False, fixed_range="198.51.100.0/24") as (ctx, endpoint, _):
        answer = await ctx.http("GET", endpoint.url(ctx.settings), headers={"X-Forwarded-Proto": "https"})
        assert answer.content.decode() == f"http {host}:{endpoint.port} 127.0.0.1 0"
        assert ctx.settings.local_ip == f"127.{host.partition('.')[2]}"


async def make_certificate(ctx: NodeContext, address: str, *, file: str = "own") -> dict[str, Path]:
    """Return the settings of a certificate for an address, which an authority of the test has signed for nine days."""
    certificate, key = ctx.paths.root / f"{file}.crt", ctx.paths.root / f"{file}.key"
    usage = {"subjectAltName": f"IP:{address}"}
    await create_certificate(ctx, Certificate(certificate, key), "own", usage, key=EC_KEY, days=9, signer=own_authority(ctx.paths))
    return {"novaflow_tls_cert": certificate, "novaflow_tls_key": key}


@asynccontextmanager
async def with_authority(root: Path) -> AsyncIterator[NodeContext]:
    """Return a context of a stack that has an authority."""
    async with open_context(root) as ctx:
        for folder in (ctx.paths.run, ctx.paths.credentials):
            folder.mkdir(parents=True, exist_ok=True)
        await authority.body(ctx)
        yield ctx


async def test_a_certificate_of_the_users_is_served(tmp_path: Path) -> None:
    """It is the one that a client sees."""
    async with with_authority(tmp_path) as ctx:
        files = await make_certificate(ctx, "127.0.0.1")
    async with proxied(tmp_path, novaflow_tls=True, **files) as (ctx, endpoint, _):
        shown = ssl.get_server_certificate(("127.0.0.1", endpoint.port))
        assert shown.strip() in files["novaflow_tls_cert"].read_text()
        assert check_certificate(ctx.settings, ctx.paths).severity is Severity.GOOD


async def test_a_certificate_of_another_address_is_refused(tmp_path: Path) -> None:
    """Clients would refuse it later, with messages that do not name the setting."""
    async with with_authority(tmp_path) as ctx:
        files = await make_certificate(ctx, "127.0.0.9")
    message = "own.crt is not valid for 127.0.0.1; its subjectAltName must contain IP:127.0.0.1"
    with pytest.raises(StepFailed, match=message):
        async with proxied(tmp_path, novaflow_tls=True, **files):
            pass


async def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    """It was signed ten days ago, for nine days."""
    async with with_authority(tmp_path) as ctx:
        files = await make_certificate(ctx, "127.0.0.1")
        library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        old = {"LD_PRELOAD": str(library), "FAKETIME": "-10d"}
        request = ("openssl", "req", "-x509", "-days", "9", "-subj", "/CN=own", "-addext", "subjectAltName=IP:127.0.0.1")
        await ctx.run(*request, "-key", files["novaflow_tls_key"], "-out", files["novaflow_tls_cert"], env=old)
    with pytest.raises(StepFailed, match=r"own.crt has expired; renew it"):
        async with proxied(tmp_path, novaflow_tls=True, **files):
            pass


async def test_a_key_of_another_certificate_is_found(tmp_path: Path) -> None:
    """The check names both files."""
    async with with_authority(tmp_path) as ctx:
        files = await make_certificate(ctx, "127.0.0.1")
        other = await make_certificate(ctx, "127.0.0.1", file="other")
        settings = make_settings(novaflow_tls=True, **{**files, "novaflow_tls_key": other["novaflow_tls_key"]})
        result = check_certificate(settings, ctx.paths)
    both = f"{files['novaflow_tls_cert']} and {other['novaflow_tls_key']}"
    expected = f"{both} are not a certificate and its key in the PEM format, without a password: KEY_VALUES_MISMATCH"
    assert (result.severity, result.found) == (Severity.BAD, expected)


@pytest.mark.parametrize(
    ("settings", "severity", "found"),
    [
        ({}, Severity.GOOD, "this machine reaches the stack, without encryption; other machines do not"),
        ({"novaflow_tls": True}, Severity.GOOD, "this machine reaches the stack, with TLS; other machines do not"),
        ({"host_ip": "192.0.2.1"}, Severity.WARNING, "every machine that reaches 192.0.2.1 can connect to the APIs, EC2, objects, "),
    ],
)
def test_the_check_reports_who_reaches_the_stack(tmp_path: Path, settings: dict[str, object], severity: Severity, found: str) -> None:
    """Beyond loopback it is a warning."""
    result = check_exposure(make_settings(**settings), Paths(tmp_path))
    assert result.severity is severity
    assert result.found.startswith(found)
