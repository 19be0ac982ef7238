"""TLS: certificate and host name are always verified."""

# ruff: noqa: S603, TID251 - tests start fixed programs

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from novaflow.adapters.amqp import amqp_login
from novaflow.events.exchange import PUBLISHER, VHOST
from novaflow.model.probe import NotYet
from tests.support.brokers import Broker, free_ports, require_rabbitmq

pytestmark = pytest.mark.slow  # a second broker is started


@pytest.fixture(scope="module")
def tls_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator["TlsBroker"]:
    """Provide a broker with TLS, and a self-signed certificate for localhost."""
    require_rabbitmq()
    broker = TlsBroker(tmp_path_factory.mktemp("tls"))
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


class TlsBroker(Broker):
    """A broker with a second listener, which uses TLS."""

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
        """Return the URL of the listener that uses TLS."""
        return f"amqps://{PUBLISHER}:publish@{host}:{self.tls_port}/{VHOST}{query}"


async def test_a_trusted_certificate_is_accepted(tls_broker: TlsBroker) -> None:
    """The URL names its authority, and the host as the certificate does."""
    answer = await amqp_login(tls_broker.tls_url("localhost", f"?cacertfile={tls_broker.certificate}"))
    assert answer.startswith("novaflow logged in to RabbitMQ ")


async def test_a_self_signed_certificate_is_refused(tls_broker: TlsBroker) -> None:
    """Verification is the default."""
    with pytest.raises(NotYet, match=r"is not trusted: self.signed certificate; name the authority that signed it with \?cacertfile=FILE"):
        await amqp_login(tls_broker.tls_url("localhost"))


async def test_a_certificate_of_another_host_is_refused(tls_broker: TlsBroker) -> None:
    """A trusted authority is not sufficient."""
    with pytest.raises(NotYet, match="is not trusted: IP address mismatch"):
        await amqp_login(tls_broker.tls_url("127.0.0.1", f"?cacertfile={tls_broker.certificate}"))


async def test_a_missing_certificate_file_is_reported(tls_broker: TlsBroker) -> None:
    """The reason names the path."""
    with pytest.raises(NotYet, match="the certificate file /nowhere does not exist"):
        await amqp_login(tls_broker.tls_url("localhost", "?cacertfile=/nowhere"))


async def test_plain_amqp_to_a_tls_port_is_reported(tls_broker: TlsBroker) -> None:
    """The reason names the other scheme."""
    with pytest.raises(NotYet, match=r"a port that expects amqps:// does this|AMQP over TLS"):
        await amqp_login(tls_broker.tls_url("localhost").replace("amqps:", "amqp:"))


async def test_the_certificate_of_the_second_broker_is_verified(tls_broker: TlsBroker) -> None:
    """Fail-over uses the server name and the authority of the broker that it reaches."""
    second = tls_broker.tls_url("localhost", f"?cacertfile={tls_broker.certificate}")
    answer = await amqp_login(f"amqps://127.0.0.2:1;{second}")
    assert answer.endswith(f" at localhost:{tls_broker.tls_port}")


async def test_a_second_broker_without_tls_is_reached_without_it(tls_broker: TlsBroker) -> None:
    """The schemes of the brokers may differ."""
    answer = await amqp_login(f"amqps://127.0.0.2:1;{tls_broker.url}")
    assert answer.endswith(f" at 127.0.0.1:{tls_broker.port}")
