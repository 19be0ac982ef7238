"""The stack's certificate authority, and the certificates that it signs; the program openssl creates them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from workflows.infra.certificates.settings import TlsSettings

AUTHORITY_DAYS = 3650
EC_KEY = ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")  # created in a millisecond
RSA_KEY = ("rsa:2048",)  # of the authority and of users: the tools for images encrypt with it
# The defaults of the distribution would let every certificate sign others.
CONFIG = """\
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
O = novaflow
CN = {name}
[extensions]
{extensions}
"""


@dataclass(frozen=True, slots=True)
class Certificate:
    """The files of a certificate and of its private key, in the PEM format."""

    certificate: Path
    key: Path


def own_authority(paths: Paths) -> Certificate:
    """Return the files of the authority, which sign other certificates."""
    return Certificate(paths.authority, paths.credentials / "cakey.pem")


def trusted_authority(settings: Settings, paths: Paths) -> Path | None:
    """Return the authority that clients have to trust to use TLS; ``None`` without TLS, or with a certificate of the user's."""
    return paths.authority if settings.tls and not settings.of(TlsSettings).novaflow_tls_cert else None


async def create_authority(ctx: Context) -> None:
    """Create the authority, which is valid for ten years."""
    usage = {"basicConstraints": "critical, CA:true", "keyUsage": "critical, keyCertSign, cRLSign, keyEncipherment"}
    await create_certificate(ctx, own_authority(ctx.paths), "authority", usage, key=RSA_KEY, days=AUTHORITY_DAYS)


async def create_certificate(  # noqa: PLR0913 - three of them by keyword
    ctx: Context,
    files: Certificate,
    name: str,
    usage: Mapping[str, str],
    *,
    key: Sequence[str],
    days: int,
    signer: Certificate | None = None,
) -> None:
    """Create a private key and a certificate for it, which ``signer`` signs; without it, the key signs itself.

    ``usage`` are its X.509 extensions, such as ``subjectAltName``; unless they say otherwise, it may not sign others.
    """
    extensions = {"basicConstraints": "critical, CA:false", **usage}
    config = CONFIG.format(name=name, extensions="\n".join(f"{key} = {value}" for key, value in extensions.items()))
    signed = ("-CA", signer.certificate, "-CAkey", signer.key) if signer else ()
    files.key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = files.key.with_suffix(".cnf")  # not /dev/stdin, which small containers do not have
    await ctx.write(options, config)
    await ctx.run(
        *("openssl", "req", "-x509", "-noenc", "-sha256", "-config", options, "-days", str(days), "-newkey", *key, *signed),
        *("-keyout", files.key, "-out", files.certificate),
    )
    options.unlink()
    for file in (files.key, files.certificate):
        file.chmod(0o600)
