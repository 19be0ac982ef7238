"""Connection settings: the brokers of a URL, in the order they are tried."""

import ssl
from itertools import islice

import pytest

from novaflow.adapters.amqp.connection_settings import Failover, parse_brokers
from novaflow.adapters.amqp.errors import BrokerError


def test_several_brokers_are_separated_by_semicolons() -> None:
    """The order is kept."""
    assert [broker.endpoint for broker in parse_brokers("amqp://first;amqps://second:1/x")] == ["first:5672", "second:1"]


@pytest.mark.parametrize(
    "url", ["", "localhost", "http://h/", "amqp://", "amqp://h:port/", "amqp://h:99999/", "amqp://h;", "amqp://h;x", "amqp://u:p;w@h"]
)
def test_an_invalid_url_is_refused_without_being_repeated(url: str) -> None:
    """A message must not show a password."""
    with pytest.raises(BrokerError) as refused:
        parse_brokers(url)
    assert str(refused.value) == "a broker's address must be like amqp://USER:PASSWORD@HOST:PORT/VHOST; correct NOVAFLOW_EVENTS_URL"


def test_brokers_are_tried_in_turn_each_with_its_own_tls_options() -> None:
    """By itself, kombu would use the server name of the first broker for all of them."""
    failover = Failover("amqps://first?cacertfile=/etc/ca.pem;amqp://second")
    tried = [(failover.current.host, dict(failover.tls_options)) for _ in islice(failover([]), 3)]
    first = ("first", {"server_hostname": "first", "cert_reqs": ssl.CERT_REQUIRED, "ca_certs": "/etc/ca.pem"})
    assert tried == [first, ("second", {}), first]
