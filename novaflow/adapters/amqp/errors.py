"""Failures of a broker, or of the connection to it: the reason, and the advice for the user."""

import socket
import ssl
from collections.abc import Mapping, Sequence
from enum import Enum, IntEnum

from novaflow.adapters.amqp.address import BrokerAddress

_SETTING = "NOVAFLOW_EVENTS_URL"
_CHECK_PORT = f"check host and port in {_SETTING}: AMQP is 5672, AMQP over TLS (amqps://) 5671"
_PERMIT = r"permit it: rabbitmqctl set_permissions -p VHOST USER '^novaflow\.events' '^novaflow\.events' '^novaflow\.events'"
_RAISE_LIMIT = "raise max_message_size in the broker's rabbitmq.conf"
_DELETE = "delete the object with that name on the broker, or use another virtual host for events"


class ErrorKind(Enum):
    """Whether a retry can succeed, and what has to change otherwise."""

    TRANSIENT = "transient"  # the broker or the network is unavailable: a retry can succeed
    NOT_FOUND = "not found"  # an exchange or a queue does not exist, or not yet
    ACCESS_REFUSED = "access refused"  # the user lacks a permission
    MESSAGE_TOO_LARGE = "message too large"  # the broker never accepts this message
    PERMANENT = "permanent"  # the configuration has to change, here or on the broker


class BrokerError(Exception):
    """A failed use of a broker; ``reason`` says what failed, ``advice`` what the user can do."""

    def __init__(self, reason: str, advice: str = "", kind: ErrorKind = ErrorKind.PERMANENT) -> None:
        super().__init__(f"{reason}; {advice}" if advice else reason)
        self.reason, self.advice, self.kind = reason, advice, kind


class ReplyCode(IntEnum):
    """Reply codes of AMQP 0-9-1. Source: rabbitmq.com/amqp-0-9-1-reference#constants."""

    CONNECTION_FORCED = 320
    ACCESS_REFUSED = 403
    NOT_FOUND = 404
    PRECONDITION_FAILED = 406
    NOT_ALLOWED = 530
    INTERNAL_ERROR = 541


_ANY = ""  # method
# Reply code and refused method to the kind of error, the reason and the advice.
_REFUSALS: Mapping[tuple[int, str], tuple[ErrorKind, str, str]] = {
    (ReplyCode.ACCESS_REFUSED, _ANY): (ErrorKind.ACCESS_REFUSED, "{text}", _PERMIT),
    (ReplyCode.PRECONDITION_FAILED, "Basic.publish"): (ErrorKind.MESSAGE_TOO_LARGE, "{text}", _RAISE_LIMIT),
    (ReplyCode.PRECONDITION_FAILED, "Basic.consume"): (ErrorKind.TRANSIENT, "{text}", ""),  # a stream queue recovers
    (ReplyCode.PRECONDITION_FAILED, _ANY): (ErrorKind.PERMANENT, "{text}", _DELETE),
    (ReplyCode.NOT_FOUND, _ANY): (ErrorKind.NOT_FOUND, "{text}", ""),
    (ReplyCode.CONNECTION_FORCED, _ANY): (ErrorKind.TRANSIENT, "the broker closed the connection: {text}", ""),
    (ReplyCode.INTERNAL_ERROR, _ANY): (ErrorKind.TRANSIENT, "the broker reported an internal error: {text}", ""),  # a stream queue starts
    (0, "Basic.cancel"): (ErrorKind.NOT_FOUND, "the broker cancelled the consumer: its queue was deleted, or is unavailable", ""),
    (0, _ANY): (ErrorKind.TRANSIENT, "the connection was lost: {text}", ""),
}


def describe_refused_login(code: int, text: str, address: BrokerAddress) -> BrokerError:
    """Return the error for a login that the broker refused with this reply code and text."""
    match code:
        case ReplyCode.ACCESS_REFUSED:
            return BrokerError(f"{address.endpoint} refused the login of {address.user!r}", f"correct user and password in {_SETTING}")
        case ReplyCode.NOT_ALLOWED:
            return BrokerError(
                f"{address.endpoint} refused the virtual host {address.vhost!r}: {text}",
                f"create it, or permit it: rabbitmqctl set_permissions -p {address.vhost} {address.user} …",
            )
        case ReplyCode.CONNECTION_FORCED:
            return BrokerError(f"{address.endpoint} is shutting down: {text}", kind=ErrorKind.TRANSIENT)
        case _:
            return describe_foreign_server(address)


def describe_foreign_server(address: BrokerAddress) -> BrokerError:
    """Return the error for a server that does not speak AMQP 0-9-1."""
    return BrokerError(f"the server at {address.endpoint} is not an AMQP 0-9-1 broker", _CHECK_PORT)


def describe_failed_connect(error: OSError, address: BrokerAddress) -> BrokerError:  # noqa: PLR0911 - a table: one return a row
    """Return the error for a connection that could not be opened."""
    match error:
        case ConnectionRefusedError():
            return BrokerError(f"connection refused on {address.endpoint}", kind=ErrorKind.TRANSIENT)
        case socket.gaierror():
            return BrokerError(f"the host name {address.host} cannot be resolved", f"correct {_SETTING}")
        case ssl.SSLCertVerificationError():
            return BrokerError(
                f"the certificate of {address.endpoint} is not trusted: {error.verify_message}",
                f"name the authority that signed it with ?cacertfile=FILE in {_SETTING}, and the host as the certificate does",
            )
        case ssl.SSLError():
            return BrokerError(f"{address.endpoint} does not answer in TLS: {error.reason}", _CHECK_PORT)
        case FileNotFoundError():
            return BrokerError(f"the certificate file {address.cacertfile} does not exist", f"correct cacertfile in {_SETTING}")
        case TimeoutError():
            return BrokerError(f"no answer from {address.endpoint}", _CHECK_PORT)
        case ConnectionError():
            # Without advice: a broker that starts or stops resets connections as well.
            return BrokerError(f"{address.endpoint}: {error.strerror}; a port that expects amqps:// does this", kind=ErrorKind.TRANSIENT)
        case _:
            return BrokerError(f"{address.endpoint}: {error.strerror}", _CHECK_PORT)


def describe_refusal(code: int, text: str, method: str) -> BrokerError:
    """Return the error for an open connection or channel that the broker closed.

    ``method`` is the AMQP method that the broker refused, for example ``Basic.publish``; ``code`` is 0 if it sent no reply.
    """
    kind, reason, advice = _REFUSALS.get((code, method)) or _REFUSALS.get((code, _ANY), (ErrorKind.PERMANENT, "{text}", ""))
    return BrokerError(reason.format(text=text), advice, kind)


def describe_lost_connection(error: Exception) -> BrokerError:
    """Return the error for an open connection that failed without a reply of the broker."""
    if isinstance(error, TimeoutError | BlockingIOError):
        return BrokerError("the broker stopped answering", kind=ErrorKind.TRANSIENT)
    return BrokerError(f"the connection was lost: {error}", kind=ErrorKind.TRANSIENT)


def combine_errors(errors: Sequence[BrokerError]) -> BrokerError:
    """Return one error for all brokers of a URL, none of which could be used; transient if one of them is."""
    if len(errors) == 1:
        return errors[0]
    advice = next((error.advice for error in errors if error.advice), "")
    kind = ErrorKind.TRANSIENT if any(error.kind is ErrorKind.TRANSIENT for error in errors) else errors[0].kind
    return BrokerError("; ".join(error.reason for error in errors), advice, kind)
