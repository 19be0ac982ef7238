"""The certificates with which QEMU and the console proxy of nova recognise each other on a graphical console."""

import shutil
from pathlib import Path

from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.step import Skipped, step
from workflows.infra.libvirt.address import runs_emulator

DAYS = "3650"
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")  # RSA keys take seconds
CONFIG = "openssl.cnf"
# QEMU refuses a server certificate that may sign others, as those of openssl's default configuration may.
OPENSSL = """\
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[server]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
[client]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
"""


def server_folder(paths: Paths) -> Path:
    """Return the folder with the certificates of QEMU, under the names that it requires: ``ca-cert.pem``, ``server-*.pem``."""
    return _folder(paths) / "server"


def client_folder(paths: Paths) -> Path:
    """Return the folder with the certificates of the console proxy: ``ca-cert.pem``, ``client-cert.pem``, ``client-key.pem``."""
    return _folder(paths) / "client"


def _folder(paths: Paths) -> Path:
    return paths.etc / "console-tls"


@step(within_s=60, when=runs_emulator)
async def certificates(ctx: Context) -> Skipped | str:
    """Create the certificates of graphical consoles, if they do not exist."""
    folder = _folder(ctx.paths)
    if folder.exists():
        return Skipped("they exist")
    work = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(work, ignore_errors=True)
    await ctx.write(work / CONFIG, OPENSSL)
    authority = await _create(ctx, work, work, "ca")
    for end in ("server", "client"):
        await _create(ctx, work, work / end, end, *authority)
        shutil.copy(work / "ca-cert.pem", work / end)
    for name in ("ca-key.pem", "ca-cert.pem", CONFIG):  # nothing can be signed any more
        (work / name).unlink()
    work.rename(folder)
    return str(folder)


async def _create(ctx: Context, work: Path, folder: Path, name: str, *authority: str | Path) -> tuple[str | Path, ...]:
    """Create a key and its certificate, and return the arguments that sign another one with them."""
    folder.mkdir(mode=0o700, exist_ok=True)
    key, certificate = folder / f"{name}-key.pem", folder / f"{name}-cert.pem"
    purpose = ("-config", work / CONFIG, "-extensions", name, "-subj", f"/O=novaflow/CN=console {name}", *authority)
    await ctx.run("openssl", "req", "-x509", *NEW_KEY, "-sha256", "-days", DAYS, *purpose, "-keyout", key, "-out", certificate)
    for file in (key, certificate):
        file.chmod(0o600)
    return ("-CA", certificate, "-CAkey", key)
