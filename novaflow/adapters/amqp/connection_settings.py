"""Settings of every connection to a broker: the arguments of ``kombu.Connection``."""

import ssl
from collections.abc import Iterator, Sequence
from itertools import cycle

from novaflow.adapters.amqp.address import BrokerAddress
from novaflow.adapters.amqp.errors import BrokerError

_CONNECT_S = 3.0  # a broker on this machine answers within 10 ms, a remote one well within this
_IO_S = 5.0  # for one reply, or one write
_HEARTBEAT_S = 10  # RabbitMQ advises 5 to 20


def connection_settings(brokers: "Failover", *, name: str) -> dict[str, object]:
    """Return the arguments of ``kombu.Connection``; Celery takes the same values as its ``broker_*`` settings.

    ``name`` is what the broker lists the connection under.
    """
    return {
        "hostname": brokers.urls,
        "failover_strategy": brokers,
        "ssl": brokers.tls_options,
        "login_method": "PLAIN",
        "connect_timeout": _CONNECT_S,
        "heartbeat": _HEARTBEAT_S,
        "transport_options": {
            # By default, py-amqp waits for a reply without limit.
            "read_timeout": _IO_S,
            "write_timeout": _IO_S,
            "client_properties": {"connection_name": f"novaflow {name}"},
        },
    }


class Failover:
    """Failover strategy for kombu: the brokers of a URL such as ``amqp://first;amqps://second``, in turn.

    ``current`` is the broker that kombu connects to, or is connected to. kombu 5.7 keeps the port, the virtual host and
    the TLS server name of the first broker when it switches to the next one. So each URL has every part, and
    ``tls_options`` changes with the broker.
    """

    def __init__(self, url: str) -> None:
        self._brokers = parse_brokers(url)
        self.urls = [broker.url for broker in self._brokers]
        self.tls_options: dict[str, object] = {}
        self.current = self._brokers[0]

    def __len__(self) -> int:
        return len(self._brokers)

    def __call__(self, _urls: Sequence[str]) -> Iterator[str]:
        """Yield the URL of the next broker, without end."""
        for broker in cycle(self._brokers):
            self.current = broker
            self.tls_options.clear()
            self.tls_options.update(_tls_options(broker))
            yield broker.url


def parse_brokers(url: str) -> tuple[BrokerAddress, ...]:
    """Read the addresses of one broker, or of several that are separated by semicolons.

    Raises: BrokerError, without the URL, which may hold a password.
    """
    try:
        return tuple(BrokerAddress.parse(each) for each in url.split(";"))
    except ValueError:
        raise BrokerError("a broker's address must be like amqp://USER:PASSWORD@HOST:PORT/VHOST", "correct NOVAFLOW_EVENTS_URL") from None


def _tls_options(broker: BrokerAddress) -> dict[str, object]:
    if not broker.tls:
        return {}
    # py-amqp verifies neither the certificate nor the host name by default.
    return {"server_hostname": broker.host, "cert_reqs": ssl.CERT_REQUIRED, "ca_certs": broker.cacertfile}
