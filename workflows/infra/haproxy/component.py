"""haproxy: accepts the connections of clients at HOST_IP, decrypts them and forwards them to the services, which listen on loopback."""

from ipaddress import IPv4Address
from pathlib import Path

from novaflow.errors import StepFailed
from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.endpoint import Endpoint
from novaflow.model.paths import Paths
from novaflow.model.probe import FunctionProbe
from novaflow.model.service import Service
from novaflow.model.settings import Settings
from novaflow.model.step import step
from workflows.infra.certificates.authority import EC_KEY, Certificate, create_certificate, own_authority
from workflows.infra.certificates.settings import TlsSettings, find_error
from workflows.infra.database.origin import FixedSetting
from workflows.infra.haproxy.config import render_proxy
from workflows.platform.system_packages import SystemPackages

DAYS = 825  # a new certificate is signed at each start


def _uses_proxy(settings: Settings) -> bool:
    return settings.uses_proxy


def _encryption(settings: Settings) -> str:
    return "with TLS" if settings.tls else "without encryption"


def check_exposure(settings: Settings, _: Paths) -> CheckResult:
    """Check who can connect to the stack, and whether the connections are encrypted."""
    if IPv4Address(settings.host_ip).is_loopback:
        return CheckResult("exposure", Severity.GOOD, f"this machine reaches the stack, {_encryption(settings)}; other machines do not")
    reached = "the APIs, EC2, objects, consoles and events"
    found = f"every machine that reaches {settings.host_ip} can connect to {reached}, {_encryption(settings)}"
    advice = "limit it with a firewall" if settings.tls else "set NOVAFLOW_TLS=1: passwords and tokens are readable on the network"
    return CheckResult("exposure", Severity.WARNING, found, advice)


def check_certificate(settings: Settings, _: Paths) -> CheckResult:
    """Check the certificate that the user brings."""
    chosen = settings.of(TlsSettings)
    if not chosen.novaflow_tls_cert or not chosen.novaflow_tls_key:
        return CheckResult("certificate", Severity.GOOD, "signed by the stack's authority" if settings.tls else "none is needed")
    if error := find_error(chosen.novaflow_tls_cert, chosen.novaflow_tls_key):
        return CheckResult("certificate", Severity.BAD, error, "correct NOVAFLOW_TLS_CERT and NOVAFLOW_TLS_KEY")
    return CheckResult("certificate", Severity.GOOD, str(chosen.novaflow_tls_cert))


def _folder(ctx: Context) -> Path:
    return ctx.paths.etc / "haproxy"


def _config(ctx: Context) -> Path:
    return _folder(ctx) / "haproxy.cfg"


def _certificate(ctx: Context) -> Path:
    return _folder(ctx) / "server.pem"


@step(needs=("certificates.authority",), within_s=60, when=_uses_proxy)
async def configure(ctx: Context) -> str:
    """Write the configuration of HAProxy, with the certificate and key of the endpoints."""
    if ctx.settings.tls:
        await ctx.write(_certificate(ctx), await _read_certificate(ctx))
    endpoints = ctx.declared(Endpoint)
    await ctx.write(_config(ctx), render_proxy(ctx.settings, endpoints, _certificate(ctx)))
    names = ", ".join(sorted(endpoint.name for endpoint in endpoints))
    return f"offers {names} at {ctx.settings.host_ip} {_encryption(ctx.settings)}"


async def _read_certificate(ctx: Context) -> bytes:
    """Return a certificate and its key: the user's, or a new one.

    Raises: StepFailed, if the user's is not valid for HOST_IP, or has expired.
    """
    chosen, host = ctx.settings.of(TlsSettings), ctx.settings.host_ip
    if chosen.novaflow_tls_cert and chosen.novaflow_tls_key:
        check = await ctx.run("openssl", "x509", "-in", chosen.novaflow_tls_cert, "-noout", "-checkip", host, "-enddate")
        if "NOT match" in check:
            raise StepFailed(f"{chosen.novaflow_tls_cert} is not valid for {host}; its subjectAltName must contain IP:{host}")
        expired = "-checkend", "0"
        if "will expire" in await ctx.run("openssl", "x509", "-in", chosen.novaflow_tls_cert, "-noout", *expired, ok=(0, 1)):
            raise StepFailed(f"{chosen.novaflow_tls_cert} has expired; renew it")
        return chosen.novaflow_tls_cert.read_bytes() + b"\n" + chosen.novaflow_tls_key.read_bytes()
    files = Certificate(_folder(ctx) / "server.crt", _folder(ctx) / "server.key")
    usage = {"subjectAltName": f"IP:{host}", "extendedKeyUsage": "serverAuth"}
    await create_certificate(ctx, files, host, usage, key=EC_KEY, days=DAYS, signer=own_authority(ctx.paths))
    return files.certificate.read_bytes() + files.key.read_bytes()


async def connect_all(ctx: Context) -> str:
    """Send a request to each endpoint; an answer of any status shows that the proxy has accepted the connection."""
    urls = _find_urls(ctx)
    for url in urls:
        await ctx.http("HEAD", url)
    return f"accepted connections to {len(urls)} endpoints"


async def _connect_once(ctx: Context) -> str:
    """Send a request to the first endpoint."""
    for url in _find_urls(ctx)[:1]:
        await ctx.http("HEAD", url)
    return "accepted a connection"


def _find_urls(ctx: Context) -> list[str]:
    return [endpoint.url(ctx.settings) for endpoint in ctx.declared(Endpoint) if endpoint.is_http]


PROXY = Service(
    name="haproxy",
    summary="Accepts the connections of clients, and decrypts them.",
    command=lambda ctx: ("haproxy", "-db", "-f", _config(ctx)),
    ready=FunctionProbe(connect_all, "connections to all endpoints"),
    alive=FunctionProbe(_connect_once, "a connection to an endpoint"),
    needs=("haproxy.configure",),
    when=_uses_proxy,
)

COMPONENT = Component(
    name="haproxy",
    summary="Connections of clients, with TLS.",
    declares=(
        SystemPackages(debian=("haproxy",)),
        FixedSetting("NOVAFLOW_TLS", lambda settings: str(int(settings.tls))),
    ),
    checks=(check_exposure, check_certificate),
    every_stack=True,  # the endpoints of any component are reached through it
    parts={"run": (configure, PROXY)},
)
