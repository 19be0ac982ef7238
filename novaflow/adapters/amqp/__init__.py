"""The room of AMQP: its one door to kombu is ``connection``, and what others need of it is here."""

from novaflow.adapters.amqp.address import BrokerError
from novaflow.adapters.amqp.consumer import amqp_consume
from novaflow.adapters.amqp.publisher import Publisher
from novaflow.adapters.amqp.rpc import amqp_find_log, amqp_login, amqp_request
from novaflow.adapters.amqp.subscriber import Begin, Listener

__all__ = [
    "Begin",
    "BrokerError",
    "Listener",
    "Publisher",
    "amqp_consume",
    "amqp_find_log",
    "amqp_login",
    "amqp_request",
]
