"""Addresses of brokers: read as RabbitMQ's own clients read them."""

import pytest

from novaflow.adapters.amqp.address import Address, BrokerError


def test_every_part_of_a_url_is_read() -> None:
    """User, password and virtual host may hold anything, quoted."""
    address = Address.parse("amqps://us%40er:p%2Fw@broker.example:5673/a%2Fb?cacertfile=/etc/ca.pem")
    assert address == Address("broker.example", 5673, "us@er", "p/w", "a/b", tls=True, cacertfile="/etc/ca.pem")


def test_what_is_left_out_is_as_usual() -> None:
    """Port, user, password and virtual host have AMQP's own defaults."""
    assert Address.parse("amqp://h") == Address("h", 5672, "guest", "guest", "/", tls=False)
    assert Address.parse("amqps://h/").port == 5671


@pytest.mark.parametrize("url", ["", "localhost", "http://h/", "amqp://", "amqp://h:port/", "amqp://h:99999/"])
def test_anything_else_is_refused_without_being_repeated(url: str) -> None:
    """A message must not show what may be a password."""
    with pytest.raises(BrokerError, match="not like amqp://USER:PASSWORD@HOST:PORT/VHOST; correct NOVAFLOW_EVENTS_URL"):
        Address.parse(url)


def test_an_address_is_printed_without_its_password() -> None:
    """Addresses may end up in logs."""
    assert "secret" not in repr(Address.parse("amqp://user:secret@h"))
