"""A user of the console of a server logs in as root."""

import json
from pathlib import Path

import anyio

from novaflow.model.component import Component
from tests.security.attacker import require_root
from tests.support.contexts import open_context
from tests.support.terminals import require_program
from workflows.images.tty import image_files
from workflows.images.tty.image_files import USERS
from workflows.images.tty.password import PASSWORD_HASH, password
from workflows.services.nova.vendor_data import vendor_data_file, write_vendor_data

SCRIPT = Path(image_files.__file__).with_name("tty-password.sh")
# The guest's folder /etc over that of this machine, for this program only.
GUEST = 'mount --bind "$1" /etc && exec /bin/busybox sh "$2" "$3"'
TTY = Component("tty", "The image.", declares=(PASSWORD_HASH,))


async def run_guest_script(etc: Path, vendor_data: Path) -> str:
    """Run the script of the guest on the user database of the image, and return its output."""
    require_root()
    require_program("busybox")
    etc.mkdir()
    (etc / "passwd").write_bytes(USERS)
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", GUEST, "sh", str(etc), str(SCRIPT), str(vendor_data)]
    return (await anyio.run_process(command)).stdout.decode()


async def test_the_guest_gets_the_hash_of_the_password(tmp_path: Path) -> None:
    """It has a salt; the password itself is not in the vendor data, which the users of every server can read."""
    require_program("openssl")
    async with open_context(tmp_path, TTY) as ctx:
        ctx.paths.run.mkdir()
        await password.body(ctx)
        await write_vendor_data(ctx)
    chosen, data = (tmp_path / "credentials/tty-password").read_text().strip(), vendor_data_file(ctx).read_text()
    assert await run_guest_script(tmp_path / "guest", vendor_data_file(ctx)) == "tty: root may log in with the password of the stack\n"
    name, entry, *others = (tmp_path / "guest/passwd").read_text().split(":")
    _, method, salt, _ = entry.split("$")
    assert (name, method, others) == ("root", "6", ["0", "0", "root", "/root", "/bin/sh\n"])
    computed = await anyio.run_process(["openssl", "passwd", "-6", "-salt", salt, "-stdin"], input=chosen.encode())
    assert computed.stdout.decode().strip() == entry == json.loads(data)["tty_root_password"]
    assert chosen not in data


async def test_without_a_hash_no_password_is_accepted(tmp_path: Path) -> None:
    """The image has none, and vendor data without the entry change nothing."""
    async with open_context(tmp_path) as ctx:
        await write_vendor_data(ctx)
    assert await run_guest_script(tmp_path / "guest", vendor_data_file(ctx)) == ""
    assert (tmp_path / "guest/passwd").read_text() == "root:!:0:0:root:/root:/bin/sh\n"
