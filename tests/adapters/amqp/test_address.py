"""Addresses of brokers: read as RabbitMQ's clients read them."""

import pytest

from novaflow.adapters.amqp.address import BrokerAddress


def test_every_part_of_a_url_is_read() -> None:
    """User, password and virtual host may hold any character, percent-encoded."""
    address = BrokerAddress.parse("amqps://us%40er:p%2Fw@broker.example:5673/a%2Fb?cacertfile=/etc/ca.pem")
    assert address == BrokerAddress("broker.example", 5673, "us@er", "p/w", "a/b", tls=True, cacertfile="/etc/ca.pem")


def test_missing_parts_have_amqps_defaults() -> None:
    """Port, user, password and virtual host may be left out."""
    assert BrokerAddress.parse("amqp://h") == BrokerAddress("h", 5672, "guest", "guest", "/", tls=False)
    assert BrokerAddress.parse("amqps://h/").port == 5671


@pytest.mark.parametrize(
    ("url", "complete"),
    [
        ("amqp://h", "amqp://guest:guest@h:5672/%2F"),
        ("amqps://us%40er:p%3Bw@[::1]/a%2Fb?cacertfile=/etc/ca.pem", "amqps://us%40er:p%3Bw@[::1]:5671/a%2Fb"),
    ],
)
def test_the_url_for_kombu_has_every_part_and_no_query(url: str, complete: str) -> None:
    """The query parameters of RabbitMQ are errors to kombu."""
    assert BrokerAddress.parse(url).url == complete


def test_an_address_is_printed_without_its_password() -> None:
    """An address may be logged."""
    assert "secret" not in repr(BrokerAddress.parse("amqp://user:secret@h"))
