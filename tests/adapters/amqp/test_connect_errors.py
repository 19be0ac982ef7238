"""Errors of connections that could not be opened: the reason, the advice and whether a retry may succeed."""

import socket

import pytest

from novaflow.adapters.amqp.address import BrokerAddress
from novaflow.adapters.amqp.errors import (
    BrokerError,
    ErrorKind,
    combine_errors,
    describe_failed_connect,
    describe_foreign_server,
    describe_lost_connection,
    describe_refusal,
)

ADDRESS = BrokerAddress.parse("amqps://user:secret@broker.example/events?cacertfile=/etc/ca.pem")
EVENTS = r"'^novaflow\.events'"
CHECK_PORT = "check host and port in NOVAFLOW_EVENTS_URL: AMQP is 5672, AMQP over TLS (amqps://) 5671"


@pytest.mark.parametrize(
    ("error", "message", "kind"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "connection refused on broker.example:5671", ErrorKind.TRANSIENT),
        (
            socket.gaierror(-2, "Name or service not known"),
            "the host name broker.example cannot be resolved; correct NOVAFLOW_EVENTS_URL",
            ErrorKind.PERMANENT,
        ),
        (
            FileNotFoundError(2, "No such file or directory"),
            "the certificate file /etc/ca.pem does not exist; correct cacertfile in NOVAFLOW_EVENTS_URL",
            ErrorKind.PERMANENT,
        ),
        (TimeoutError("timed out"), f"no answer from broker.example:5671; {CHECK_PORT}", ErrorKind.PERMANENT),
        (
            ConnectionResetError(104, "Connection reset by peer"),
            "broker.example:5671: Connection reset by peer; a port that expects amqps:// does this",
            ErrorKind.TRANSIENT,
        ),
        (OSError(101, "Network is unreachable"), f"broker.example:5671: Network is unreachable; {CHECK_PORT}", ErrorKind.PERMANENT),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_failed_connection_says_what_to_do(error: OSError, message: str, kind: ErrorKind) -> None:
    """The message names the broker and never the password."""
    described = describe_failed_connect(error, ADDRESS)
    assert (str(described), described.kind) == (message, kind)
    assert "secret" not in str(described)


def test_a_server_of_another_protocol_is_named() -> None:
    """The port may be that of its web interface."""
    expected = f"the server at broker.example:5671 is not an AMQP 0-9-1 broker; {CHECK_PORT}"
    assert str(describe_foreign_server(ADDRESS)) == expected


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError("timed out"), "the broker stopped answering"),
        (BlockingIOError(11, "again"), "the broker stopped answering"),
        (BrokenPipeError(32, "Broken pipe"), "the connection was lost: [Errno 32] Broken pipe"),
    ],
)
def test_a_lost_connection_is_opened_again(error: Exception, reason: str) -> None:
    """A retry may succeed, so that there is no advice."""
    described = describe_lost_connection(error)
    assert (described.reason, described.advice, described.kind) == (reason, "", ErrorKind.TRANSIENT)


@pytest.mark.parametrize(
    ("code", "method", "message"),
    [
        (320, "", "the broker closed the connection: CONNECTION_FORCED"),
        (541, "Queue.declare", "the broker reported an internal error: CONNECTION_FORCED"),
        (
            406,
            "Basic.publish",
            "CONNECTION_FORCED; raise max_message_size in the broker's rabbitmq.conf",
        ),
        (
            406,
            "Queue.declare",
            "CONNECTION_FORCED; delete the object with that name on the broker, or use another virtual host for events",
        ),
        (
            403,
            "Queue.bind",
            f"CONNECTION_FORCED; permit it: rabbitmqctl set_permissions -p VHOST USER {EVENTS} {EVENTS} {EVENTS}",
        ),
        (0, "Basic.cancel", "the broker cancelled the consumer: its queue was deleted, or is unavailable"),
    ],
)
def test_a_refusal_has_the_text_of_the_broker(code: int, method: str, message: str) -> None:
    """The advice depends on what was refused."""
    assert str(describe_refusal(code, "CONNECTION_FORCED", method)) == message


def test_permanent_errors_of_all_brokers_stay_permanent() -> None:
    """The kind is that of the first one, and the advice the first there is."""
    first = BrokerError("a refuses", kind=ErrorKind.ACCESS_REFUSED)
    second = BrokerError("b is unknown", "correct b")
    combined = combine_errors([first, second])
    assert (str(combined), combined.kind) == ("a refuses; b is unknown; correct b", ErrorKind.ACCESS_REFUSED)


@pytest.mark.parametrize("url", ["amqp://[2001:db8::1]/", "amqps://[2001:db8::1]:5672/"])
def test_an_ipv6_address_is_written_in_brackets(url: str) -> None:
    """Otherwise the port looks like its end."""
    assert describe_failed_connect(ConnectionRefusedError(), BrokerAddress.parse(url)).reason == (
        "connection refused on [2001:db8::1]:5672"
    )
