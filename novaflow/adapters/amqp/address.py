"""Addresses of brokers, read from a URL."""

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qs, quote, unquote, urlsplit

_PORTS = {"amqp": 5672, "amqps": 5671}


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Address of one broker, and the login to it; its repr omits the password."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    vhost: str
    tls: bool
    cacertfile: str | None = None

    @property
    def endpoint(self) -> str:
        """Return host and port, which name a broker in messages."""
        return f"{self._bracketed_host}:{self.port}"

    @property
    def url(self) -> str:
        """Return the URL that kombu reads: with every part, and without a query."""
        scheme = "amqps" if self.tls else "amqp"
        user, password, vhost = (quote(part, safe="") for part in (self.user, self.password, self.vhost))
        return f"{scheme}://{user}:{password}@{self._bracketed_host}:{self.port}/{vhost}"

    @property
    def _bracketed_host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host  # of IPv6, as in a URL

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read ``amqp[s]://[user:password@]host[:port][/vhost][?cacertfile=…]`` as RabbitMQ's clients do.

        Raises: ValueError, without the URL, which may hold a password.
        Source: rabbitmq.com/docs/uri-spec and rabbitmq.com/docs/uri-query-parameters.
        """
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            message = "a broker's URL has the scheme amqp or amqps, and a host"
            raise ValueError(message)
        return cls(
            host=parts.hostname,
            port=parts.port or _PORTS[parts.scheme],
            user=unquote(parts.username or "guest"),
            password=unquote(parts.password or "guest"),
            vhost=unquote(parts.path[1:]) or "/",
            tls=parts.scheme == "amqps",
            cacertfile=parse_qs(parts.query).get("cacertfile", [None])[0],
        )
