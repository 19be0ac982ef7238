"""The password of root at the consoles of servers: on this machine, in the vendor data, and in the guest."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from novaflow.adapters.local import NodeContext
from tests.support.terminals import require_program
from workflows.images.tty import image_files
from workflows.images.tty.image_files import USERS
from workflows.images.tty.password import PASSWORD_HASH, password
from workflows.services.nova.vendor_data import vendor_data_file, write_vendor_data

MakeContext = Callable[..., NodeContext]
SCRIPT = Path(image_files.__file__).with_name("tty-password.sh")
# The guest's folder /etc over that of this machine, for this program only.
GUEST = 'mount --bind "$1" /etc && exec /bin/busybox sh "$2" "$3"'


async def run_guest_script(etc: Path, vendor_data: Path) -> str:
    """Run the script of the guest on its user database, and return its output."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a folder")
    require_program("busybox")
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", GUEST, "sh", str(etc), str(SCRIPT), str(vendor_data)]
    return (await anyio.run_process(command)).stdout.decode()


async def test_the_password_is_in_a_file_of_its_owner(make_context: MakeContext) -> None:
    """It can be typed without Shift; another start keeps it; another stack has another one."""
    ctx = make_context()
    assert await password.body(ctx) == str(ctx.paths.credentials / "tty-password")
    file = ctx.paths.credentials / "tty-password"
    first = file.read_text()
    await password.body(ctx)
    assert file.read_text() == first
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(first.strip()) == 16
    assert {*first.strip()} <= {*"0123456789abcdef"}
    (ctx.paths.credentials / "secrets.json").unlink()
    await password.body(make_context())
    assert file.read_text() != first


async def test_the_guest_gets_the_hash_of_the_password(make_context: MakeContext, tmp_path: Path) -> None:
    """The hash has a salt, and the password itself is neither in the vendor data nor in an argument."""
    require_program("openssl")
    ctx = make_context(PASSWORD_HASH)
    await password.body(ctx)
    await write_vendor_data(ctx)
    chosen = (ctx.paths.credentials / "tty-password").read_text().strip()
    (tmp_path / "etc").mkdir()
    users = tmp_path / "etc/passwd"
    users.write_bytes(USERS)
    assert await run_guest_script(tmp_path / "etc", vendor_data_file(ctx)) == "tty: root may log in with the password of the stack\n"
    name, entry, *others = users.read_text().split(":")
    _, method, salt, _ = entry.split("$")
    assert (name, method, others) == ("root", "6", ["0", "0", "root", "/root", "/bin/sh\n"])
    computed = await anyio.run_process(["openssl", "passwd", "-6", "-salt", salt, "-stdin"], input=chosen.encode())
    assert computed.stdout.decode().strip() == entry == json.loads(vendor_data_file(ctx).read_text())["tty_root_password"]
    assert chosen not in vendor_data_file(ctx).read_text()


async def test_without_a_hash_no_password_is_accepted(make_context: MakeContext, tmp_path: Path) -> None:
    """The image's user database has none, and vendor data without the entry change nothing."""
    ctx = make_context()
    await write_vendor_data(ctx)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_bytes(USERS)
    assert await run_guest_script(tmp_path / "etc", vendor_data_file(ctx)) == ""
    assert (tmp_path / "etc/passwd").read_text() == "root:!:0:0:root:/root:/bin/sh\n"
