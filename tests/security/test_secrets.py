"""Another user reads the passwords of a stack."""

import pytest

from tests.system.toy import Toy

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["NOVAFLOW_EVENTS_URL"])
async def test_a_password_on_the_command_line_is_refused(toy: Toy, name: str) -> None:
    """Every user can list the arguments of a program; the error says where a password belongs and does not repeat it."""
    result = await toy.call("up", "--set", f"{name}=amqp://me:hush-hush@127.0.0.1:9/x")
    assert result.code == 2
    assert f"{name} (command line): every user of this machine can read it there" in result.err
    assert f"--preserve-env={name}" in result.err
    assert "hush-hush" not in result.out + result.err
    assert not toy.root.exists()
