"""The certificates with which QEMU and the console proxy of nova recognise each other on a graphical console."""

import shutil
from pathlib import Path

from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.step import Skipped, step
from workflows.infra.certificates.authority import EC_KEY, Certificate, create_certificate
from workflows.infra.libvirt.address import runs_emulator

DAYS = 3650
SIGNS = {"basicConstraints": "critical, CA:true", "keyUsage": "critical, keyCertSign"}
USAGES = {
    "server": {"keyUsage": "critical, digitalSignature", "extendedKeyUsage": "serverAuth"},
    "client": {"keyUsage": "critical, digitalSignature", "extendedKeyUsage": "clientAuth"},
}


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
    """Create the certificates of graphical consoles, if they do not exist.

    Their authority is not that of the stack's endpoints, whose certificates users have.
    """
    folder = _folder(ctx.paths)
    if folder.exists():
        return Skipped("they exist")
    work = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(work, ignore_errors=True)
    authority = _files(work, "ca")
    await create_certificate(ctx, authority, "console ca", SIGNS, key=EC_KEY, days=DAYS)
    for end, usage in USAGES.items():
        await create_certificate(ctx, _files(work / end, end), f"console {end}", usage, key=EC_KEY, days=DAYS, signer=authority)
        shutil.copy(authority.certificate, work / end)
    for file in (authority.key, authority.certificate):  # nothing can be signed any more
        file.unlink()
    work.rename(folder)
    return str(folder)


def _files(folder: Path, name: str) -> Certificate:
    return Certificate(folder / f"{name}-cert.pem", folder / f"{name}-key.pem")
