"""Another user of the machine connects to the graphical console of a server, whose port every user can reach."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import psutil
import pytest

from novaflow.model.step import Skipped
from tests.security.attacker import require_root
from tests.security.consoles import NONE, OFFERED, PASSWORD, REFUSED, VENCRYPT, connect, connect_as_other_user
from tests.support.contexts import open_context
from tests.support.programs import wait_until
from tests.support.terminals import require_program
from workflows.infra.libvirt.console_tls import certificates, client_folder, server_folder

QEMU = "qemu-system-x86_64"
OPENED = f"{OFFERED}opened "


@asynccontextmanager
async def console(folder: Path) -> AsyncIterator[int]:
    """Return the port of the console of a QEMU that has the certificates of this folder, with the options that libvirt passes."""
    require_program(QEMU)
    tls = f"tls-creds-x509,id=vnc-tls-creds0,dir={folder},endpoint=server,verify-peer=yes"
    command = [QEMU, "-machine", "none", "-nodefaults", "-object", tls, "-vnc", "127.0.0.1:0,to=99,tls-creds=vnc-tls-creds0"]
    async with await anyio.open_process(command, stdout=None, stderr=None) as qemu:
        try:
            await wait_until(lambda: qemu.returncode is not None or _ports(qemu.pid))
            (port,) = _ports(qemu.pid)
            yield port
        finally:
            qemu.kill()


def _ports(pid: int) -> list[int]:
    return [each.laddr.port for each in psutil.Process(pid).net_connections() if each.status == psutil.CONN_LISTEN]


@pytest.mark.slow
async def test_a_console_opens_with_the_certificate_of_the_stack_only(tmp_path: Path) -> None:
    """Without one, with that of another stack, without a security type and with a password, root is refused too."""
    require_program("openssl")
    async with open_context(tmp_path / "one") as one, open_context(tmp_path / "two") as two:
        for ctx in (one, two):
            ctx.paths.run.mkdir(parents=True)
            assert await certificates.body(ctx) == str(ctx.paths.etc / "console-tls")
    async with console(server_folder(one.paths)) as port:
        assert connect(port, VENCRYPT, client_folder(one.paths)).startswith(OPENED)
        assert connect(port, VENCRYPT, client_folder(two.paths)) == REFUSED[VENCRYPT]
        assert {kind: connect(port, kind) for kind in REFUSED} == REFUSED


@pytest.mark.slow
async def test_another_user_opens_no_console(shared: Path) -> None:
    """The port accepts the connection, and nothing else."""
    require_root()
    async with open_context(shared) as ctx:
        ctx.paths.run.mkdir(parents=True)
        await certificates.body(ctx)
    async with console(server_folder(ctx.paths)) as port:
        assert {kind: connect_as_other_user(port, kind) for kind in (NONE, PASSWORD, VENCRYPT)} == REFUSED


@pytest.mark.slow
async def test_the_keys_of_consoles_are_for_their_owner(tmp_path: Path) -> None:
    """The key of the authority is deleted, so that nothing else is ever signed; a second start keeps the certificates."""
    require_program("openssl")
    async with open_context(tmp_path) as ctx:
        ctx.paths.run.mkdir(parents=True)
        await certificates.body(ctx)
        folder = tmp_path / "etc/console-tls"
        modes = {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in folder.rglob("*")}
        assert await certificates.body(ctx) == Skipped("they exist")
    server, client = ({f"{end}/{name}.pem": 0o600 for name in ("ca-cert", f"{end}-cert", f"{end}-key")} for end in ("server", "client"))
    assert modes == {"server": 0o700, "client": 0o700, **server, **client}
