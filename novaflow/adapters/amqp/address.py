"""Where a broker is, read from a URL, and what can be wrong with it."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

_PORTS = {"amqp": 5672, "amqps": 5671}


class ErrorKind(Enum):
    """What sort of trouble there is with a broker."""

    PASSING = "passing"  # it is not there yet, or goes: trying again helps
    ABSENT = "absent"  # what is named is not there, or not yet
    LASTING = "lasting"  # somebody must change something
    NOT_PERMITTED = "not permitted"  # the same, and the broker says what
    EVENT_TOO_LARGE = "event too large"  # this event will never pass as it is


class BrokerError(Exception):
    """A broker that cannot be used as things are: ``reason`` says why, ``advice`` what to do about it."""

    def __init__(self, reason: str, advice: str = "", kind: ErrorKind = ErrorKind.LASTING) -> None:
        super().__init__(f"{reason}; {advice}" if advice else reason)
        self.reason, self.advice, self.kind = reason, advice, kind


@dataclass(frozen=True, slots=True)
class Address:
    """A broker's address; printed without its password."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    vhost: str
    tls: bool
    cacertfile: str | None = None

    @property
    def where(self) -> str:
        """Return host and port, as messages name a broker."""
        return f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read ``amqp[s]://[user:password@]host[:port][/vhost][?cacertfile=…]``, as RabbitMQ's own clients do.

        Raises: BrokerError, if it is anything else.
        Source: rabbitmq.com/docs/uri-spec and uri-query-parameters.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS[parts.scheme]
        except (ValueError, KeyError):
            parts, port = urlsplit(""), 0
        if not parts.hostname:
            # Without the URL itself: it may hold a password.
            raise BrokerError("the broker's address is not like amqp://USER:PASSWORD@HOST:PORT/VHOST", "correct NOVAFLOW_EVENTS_URL")
        query = parse_qs(parts.query)
        return cls(
            host=parts.hostname,
            port=port,
            user=unquote(parts.username or "guest"),
            password=unquote(parts.password or "guest"),
            vhost=unquote(parts.path[1:]) or "/",
            tls=parts.scheme == "amqps",
            cacertfile=query.get("cacertfile", [None])[0],
        )
