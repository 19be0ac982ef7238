"""The password of root at the consoles of servers: one per stack; the image itself contains none."""

from novaflow.model.context import Context
from novaflow.model.step import step
from workflows.services.nova.vendor_data import VendorData

DIGITS = 16  # hexadecimal: 64 bits, to be typed by hand; the users of every server can read the hash


@step(within_s=10)
async def password(ctx: Context) -> str:
    """Write the password with which root logs in at the consoles of servers."""
    file = ctx.paths.credentials / "tty-password"
    await ctx.write(file, f"{_secret(ctx)}\n", 0o600)
    return str(file)


async def _hash(ctx: Context) -> str:
    """Return the entry of root in the guest's user database; each call has another salt."""
    return (await ctx.run("openssl", "passwd", "-6", "-stdin", stdin=_secret(ctx).encode())).strip()


def _secret(ctx: Context) -> str:
    return ctx.secret("tty-root")[:DIGITS]


PASSWORD_HASH = VendorData("tty_root_password", _hash)
