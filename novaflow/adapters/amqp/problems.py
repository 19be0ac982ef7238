"""What went wrong with a broker, in one sentence, and what to do about it."""

import socket
import ssl
import struct

from amqp import exceptions, spec

from novaflow.adapters.amqp.address import Address, BrokerProblem, Trouble

FAILURES = (exceptions.AMQPError, exceptions.MessageNacked, OSError)
# What py-amqp raises beside them over a lost connection (kombu: "it's very annoying that pyamqp sometimes raises
# AttributeError") and when what answers is no broker. Over a sound connection they are bugs of ours.
CONFUSIONS = (AttributeError, KeyError, TypeError, ValueError, struct.error)

_SETTING = "NOVAFLOW_EVENTS_URL"
_NO_BROKER = f"check host and port in {_SETTING}: AMQP is 5672, AMQP over TLS (amqps://) 5671"
_PERMIT = r"permit it: rabbitmqctl set_permissions -p VHOST USER '^novaflow\.events' '^novaflow\.events' '^novaflow\.events'"


def unreachable(error: Exception, address: Address) -> BrokerProblem:
    """Say why nobody could log in at the address."""
    match error:
        case exceptions.AccessRefused():
            return BrokerProblem(f"{address.where} refused the login of {address.user!r}", f"correct user and password in {_SETTING}")
        case exceptions.NotAllowed():
            return BrokerProblem(
                f"{address.where} refused the virtual host {address.vhost!r}: {error.reply_text}",
                f"create it, or permit it: rabbitmqctl set_permissions -p {address.vhost} {address.user} …",
            )
        case exceptions.ConnectionForced():
            return BrokerProblem(f"{address.where} is going down: {error.reply_text}", trouble=Trouble.PASSING)
        case OSError(errno=int()) | TimeoutError():
            return _no_connection(error, address)
        case _:
            return BrokerProblem(f"what answers at {address.where} is not an AMQP 0-9-1 broker", _NO_BROKER)


def _no_connection(error: OSError, address: Address) -> BrokerProblem:  # noqa: PLR0911 - a table: one return a row
    match error:
        case ConnectionRefusedError():
            return BrokerProblem(f"connection refused on {address.where}", trouble=Trouble.PASSING)
        case socket.gaierror():
            return BrokerProblem(f"the host name {address.host} cannot be resolved", f"correct {_SETTING}")
        case ssl.SSLCertVerificationError():
            return BrokerProblem(
                f"the certificate of {address.where} is not trusted: {error.verify_message}",
                f"name the authority that signed it with ?cacertfile=FILE in {_SETTING}, and the host as the certificate does",
            )
        case ssl.SSLError():
            return BrokerProblem(f"{address.where} does not answer in TLS: {error.reason}", _NO_BROKER)
        case FileNotFoundError():
            return BrokerProblem(f"the certificate file {address.cacertfile} does not exist", f"correct cacertfile in {_SETTING}")
        case TimeoutError():
            return BrokerProblem(f"no answer from {address.where}", _NO_BROKER)
        case ConnectionError():
            # No warning: a broker that is starting or going does that as well.
            return BrokerProblem(f"{address.where}: {error.strerror}, as a port that wants amqps:// would do", trouble=Trouble.PASSING)
        case _:
            return BrokerProblem(f"{address.where}: {error.strerror}", _NO_BROKER)


def broken(error: Exception) -> BrokerProblem:  # noqa: PLR0911 - a table: one return a row
    """Say why a connection that had been open is of no more use."""
    match error:
        case exceptions.AccessRefused():
            return BrokerProblem(str(error.reply_text), _PERMIT, Trouble.NOT_PERMITTED)
        case exceptions.PreconditionFailed() if error.method_sig == spec.Basic.Publish:
            return BrokerProblem(str(error.reply_text), "raise max_message_size in the broker's rabbitmq.conf", Trouble.EVENT_TOO_LARGE)
        case exceptions.PreconditionFailed() if error.method_sig == spec.Basic.Consume:
            return BrokerProblem(str(error.reply_text), trouble=Trouble.PASSING)  # a stream that is still being recovered
        case exceptions.PreconditionFailed():
            return BrokerProblem(str(error.reply_text), "delete what has that name on the broker, or use another virtual host for events")
        case exceptions.NotFound():
            return BrokerProblem(str(error.reply_text), trouble=Trouble.ABSENT)
        case exceptions.ConnectionForced():
            return BrokerProblem(f"the broker closed the connection: {error.reply_text or error}", trouble=Trouble.PASSING)
        case exceptions.InternalError():
            # What RabbitMQ says while a stream of its own is still on its way.
            return BrokerProblem(f"the broker is in trouble: {error.reply_text}", trouble=Trouble.PASSING)
        case exceptions.AMQPError() if error.reply_text:
            return BrokerProblem(str(error.reply_text))
        case TimeoutError() | BlockingIOError():
            return BrokerProblem("the broker stopped answering", trouble=Trouble.PASSING)
        case _:
            return BrokerProblem(f"the connection broke: {error}", trouble=Trouble.PASSING)
