"""What went wrong with a broker, in one sentence, and what to do about it."""

import socket
import ssl
import struct

from amqp import exceptions, spec

from novaflow.adapters.amqp.address import Address, BrokerError, ErrorKind

FAILURES = (exceptions.AMQPError, exceptions.MessageNacked, OSError)
# What py-amqp raises beside them over a lost connection (kombu: "it's very annoying that pyamqp sometimes raises
# AttributeError") and when what answers is no broker. Over a sound connection they are bugs of ours.
CONFUSIONS = (AttributeError, KeyError, TypeError, ValueError, struct.error)

_SETTING = "NOVAFLOW_EVENTS_URL"
_NO_BROKER = f"check host and port in {_SETTING}: AMQP is 5672, AMQP over TLS (amqps://) 5671"
_PERMIT = r"permit it: rabbitmqctl set_permissions -p VHOST USER '^novaflow\.events' '^novaflow\.events' '^novaflow\.events'"


def unreachable(error: Exception, address: Address) -> BrokerError:
    """Say why nobody could log in at the address."""
    match error:
        case exceptions.AccessRefused():
            return BrokerError(f"{address.where} refused the login of {address.user!r}", f"correct user and password in {_SETTING}")
        case exceptions.NotAllowed():
            return BrokerError(
                f"{address.where} refused the virtual host {address.vhost!r}: {error.reply_text}",
                f"create it, or permit it: rabbitmqctl set_permissions -p {address.vhost} {address.user} …",
            )
        case exceptions.ConnectionForced():
            return BrokerError(f"{address.where} is going down: {error.reply_text}", kind=ErrorKind.PASSING)
        case OSError(errno=int()) | TimeoutError():
            return _no_connection(error, address)
        case _:
            return BrokerError(f"what answers at {address.where} is not an AMQP 0-9-1 broker", _NO_BROKER)


def _no_connection(error: OSError, address: Address) -> BrokerError:  # noqa: PLR0911 - a table: one return a row
    match error:
        case ConnectionRefusedError():
            return BrokerError(f"connection refused on {address.where}", kind=ErrorKind.PASSING)
        case socket.gaierror():
            return BrokerError(f"the host name {address.host} cannot be resolved", f"correct {_SETTING}")
        case ssl.SSLCertVerificationError():
            return BrokerError(
                f"the certificate of {address.where} is not trusted: {error.verify_message}",
                f"name the authority that signed it with ?cacertfile=FILE in {_SETTING}, and the host as the certificate does",
            )
        case ssl.SSLError():
            return BrokerError(f"{address.where} does not answer in TLS: {error.reason}", _NO_BROKER)
        case FileNotFoundError():
            return BrokerError(f"the certificate file {address.cacertfile} does not exist", f"correct cacertfile in {_SETTING}")
        case TimeoutError():
            return BrokerError(f"no answer from {address.where}", _NO_BROKER)
        case ConnectionError():
            # No warning: a broker that is starting or going does that as well.
            return BrokerError(f"{address.where}: {error.strerror}, as a port that wants amqps:// would do", kind=ErrorKind.PASSING)
        case _:
            return BrokerError(f"{address.where}: {error.strerror}", _NO_BROKER)


def broken(error: Exception) -> BrokerError:  # noqa: PLR0911 - a table: one return a row
    """Say why a connection that had been open is of no more use."""
    match error:
        case exceptions.AccessRefused():
            return BrokerError(str(error.reply_text), _PERMIT, ErrorKind.NOT_PERMITTED)
        case exceptions.PreconditionFailed() if error.method_sig == spec.Basic.Publish:
            return BrokerError(str(error.reply_text), "raise max_message_size in the broker's rabbitmq.conf", ErrorKind.EVENT_TOO_LARGE)
        case exceptions.PreconditionFailed() if error.method_sig == spec.Basic.Consume:
            return BrokerError(str(error.reply_text), kind=ErrorKind.PASSING)  # a stream that is still being recovered
        case exceptions.PreconditionFailed():
            return BrokerError(str(error.reply_text), "delete what has that name on the broker, or use another virtual host for events")
        case exceptions.NotFound():
            return BrokerError(str(error.reply_text), kind=ErrorKind.ABSENT)
        case exceptions.ConnectionForced():
            return BrokerError(f"the broker closed the connection: {error.reply_text or error}", kind=ErrorKind.PASSING)
        case exceptions.InternalError():
            # What RabbitMQ says while a stream of its own is still on its way.
            return BrokerError(f"the broker is in trouble: {error.reply_text}", kind=ErrorKind.PASSING)
        case exceptions.AMQPError() if error.reply_text:
            return BrokerError(str(error.reply_text))
        case TimeoutError() | BlockingIOError():
            return BrokerError("the broker stopped answering", kind=ErrorKind.PASSING)
        case _:
            return BrokerError(f"the connection broke: {error}", kind=ErrorKind.PASSING)
