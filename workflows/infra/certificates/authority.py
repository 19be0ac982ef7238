"""The stack's certificate authority, and the certificates that it signs; the program openssl creates them."""

from collections.abc import Mapping
from pathlib import Path

from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from workflows.infra.certificates.settings import TlsSettings

AUTHORITY_KEY = "cakey.pem"
AUTHORITY_DAYS = 3650
EC_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")  # created in a millisecond
RSA_KEY = ("-newkey", "rsa:2048")  # of the authority and of users: the tools for images encrypt with it
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


def trusted_authority(settings: Settings, paths: Paths) -> Path | None:
    """Return the authority that clients have to trust to use TLS; ``None`` without TLS, or with a certificate of the user's."""
    return paths.authority if settings.tls and not settings.of(TlsSettings).novaflow_tls_cert else None


async def create_authority(ctx: Context) -> None:
    """Create the authority, which is valid for ten years."""
    extensions = {"basicConstraints": "critical, CA:true", "keyUsage": "critical, keyCertSign, cRLSign, keyEncipherment"}
    key = ctx.paths.credentials / AUTHORITY_KEY
    await _create(ctx, "authority", extensions, *RSA_KEY, days=AUTHORITY_DAYS, key=key, certificate=ctx.paths.authority)


async def sign_certificate(  # noqa: PLR0913 - by keyword
    ctx: Context, name: str, *key_type: str, usage: Mapping[str, str], days: int, key: Path, certificate: Path
) -> None:
    """Create a private key and a certificate for it, which the authority signs.

    ``usage`` are its X.509 extensions, such as ``subjectAltName``.
    """
    signer = ("-CA", str(ctx.paths.authority), "-CAkey", str(ctx.paths.credentials / AUTHORITY_KEY))
    extensions = {"basicConstraints": "critical, CA:false", **usage}
    await _create(ctx, name, extensions, *key_type, *signer, days=days, key=key, certificate=certificate)


async def _create(  # noqa: PLR0913 - by keyword
    ctx: Context, name: str, extensions: Mapping[str, str], *options: str, days: int, key: Path, certificate: Path
) -> None:
    config = CONFIG.format(name=name, extensions="\n".join(f"{key} = {value}" for key, value in extensions.items()))
    await ctx.run(
        *("openssl", "req", "-x509", "-noenc", "-sha256", "-config", "/dev/stdin", "-days", str(days), *options),
        *("-keyout", key, "-out", certificate),
        stdin=config.encode(),
    )
    for file in (key, certificate):
        file.chmod(0o600)
