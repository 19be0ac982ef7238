"""TLS: verified, unless one says otherwise; nobody can say otherwise."""

# ruff: noqa: S603, TID251 - the programs tests start are their own

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from novaflow.adapters.amqp import amqp_login
from novaflow.events.exchange import PUBLISHER, VHOST
from novaflow.model.probe import NotYet
from tests.support.brokers import Broker, free_ports, require_rabbitmq


@pytest.fixture(scope="module")
def tls_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator["TlsBroker"]:
    """Lend a broker that speaks TLS, with a certificate it signed itself, for localhost."""
    require_rabbitmq()
    broker = TlsBroker(tmp_path_factory.mktemp("tls"))
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


class TlsBroker(Broker):
    """A broker with a second listener, for TLS."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        (self.tls_port,) = free_ports(1)
        self.certificate = root / "certificate.pem"
        make = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
        ]
        subprocess.run([*make, "-keyout", root / "key.pem", "-out", self.certificate], check=True, capture_output=True)
        with (root / "rabbitmq.conf").open("a") as options:
            options.write(f"listeners.ssl.1 = 127.0.0.1:{self.tls_port}\nssl_options.certfile = {self.certificate}\n")
            options.write(f"ssl_options.keyfile = {root}/key.pem\nssl_options.verify = verify_none\n")

    def tls_url(self, host: str, query: str = "") -> str:
        """Return the URL of the listener that speaks TLS."""
        return f"amqps://{PUBLISHER}:publish@{host}:{self.tls_port}/{VHOST}{query}"


async def test_a_certificate_that_is_trusted_is_accepted(tls_broker: TlsBroker) -> None:
    """With its authority named, and the host named as it names it."""
    answer = await amqp_login(tls_broker.tls_url("localhost", f"?cacertfile={tls_broker.certificate}"))
    assert answer.startswith("novaflow logged in to RabbitMQ ")


async def test_a_certificate_that_nobody_signed_is_refused(tls_broker: TlsBroker) -> None:
    """Nothing has to be asked for: this is the default."""
    with pytest.raises(NotYet, match=r"is not trusted: self.signed certificate; name the authority that signed it with \?cacertfile=FILE"):
        await amqp_login(tls_broker.tls_url("localhost"))


async def test_a_certificate_of_another_host_is_refused(tls_broker: TlsBroker) -> None:
    """A trusted authority is not enough."""
    with pytest.raises(NotYet, match="is not trusted: IP address mismatch"):
        await amqp_login(tls_broker.tls_url("127.0.0.1", f"?cacertfile={tls_broker.certificate}"))


async def test_a_certificate_file_that_is_not_there_is_named(tls_broker: TlsBroker) -> None:
    """A misspelt path is said as such."""
    with pytest.raises(NotYet, match="the certificate file /nowhere does not exist"):
        await amqp_login(tls_broker.tls_url("localhost", "?cacertfile=/nowhere"))


async def test_plain_amqp_to_a_port_of_tls_says_so(tls_broker: TlsBroker) -> None:
    """It advises the other scheme."""
    with pytest.raises(NotYet, match=r"as a port that wants amqps:// would do|AMQP over TLS"):
        await amqp_login(tls_broker.tls_url("localhost").replace("amqps:", "amqp:"))
