"""The password of root at the consoles of servers."""

from collections.abc import Callable

from novaflow.adapters.local import NodeContext
from workflows.images.tty.password import password

MakeContext = Callable[..., NodeContext]


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
