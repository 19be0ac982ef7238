"""AMQP: publishing, subscribing, consuming and requests; ``connection`` is the only module that imports kombu."""

from novaflow.adapters.amqp.consumer import amqp_consume
from novaflow.adapters.amqp.errors import BrokerError
from novaflow.adapters.amqp.publisher import Publisher
from novaflow.adapters.amqp.rpc import amqp_find_log, amqp_login, amqp_request
from novaflow.adapters.amqp.subscriber import Begin, SubscriberThread

__all__ = [
    "Begin",
    "BrokerError",
    "Publisher",
    "SubscriberThread",
    "amqp_consume",
    "amqp_find_log",
    "amqp_login",
    "amqp_request",
]
