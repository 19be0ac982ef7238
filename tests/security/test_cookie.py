"""Another user guesses Erlang's cookie: a program that knows it runs code in the node of RabbitMQ."""

from pathlib import Path

from tests.support.contexts import open_context
from tests.support.settings import make_settings
from workflows.infra.rabbitmq.component import RABBITMQ, configure


async def test_the_cookie_is_a_password_of_the_stack(tmp_path: Path) -> None:
    """It is written before the node starts, also in place of one that Erlang has created; only its owner can read it."""
    home = tmp_path / "data/rabbitmq"
    home.mkdir(parents=True)
    (home / ".erlang.cookie").write_text("GUESSABLE")
    async with open_context(tmp_path) as ctx:
        await configure.body(ctx)
        assert (home / ".erlang.cookie").read_text() == ctx.secret("erlang-cookie")
        assert len(ctx.secret("erlang-cookie")) == 32
    assert (home / ".erlang.cookie").stat().st_mode & 0o777 == 0o400


async def test_the_node_is_reached_on_loopback_only(tmp_path: Path) -> None:
    """Also for a stack whose API has another address; the node writes no dump of its memory."""
    async with open_context(tmp_path, settings=make_settings(host_ip="198.51.100.9")) as ctx:
        assert RABBITMQ.env is not None
        environment = RABBITMQ.env(ctx)
    assert environment["HOME"] == str(tmp_path / "data/rabbitmq")
    assert "inet_dist_use_interface {127,0,0,1}" in environment["ERL_FLAGS"]
    assert environment["ERL_CRASH_DUMP_BYTES"] == "0"
