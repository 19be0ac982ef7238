"""The room of AMQP: its one door to kombu is ``link``, and what others need of it is here."""

from novaflow.adapters.amqp.address import BrokerProblem
from novaflow.adapters.amqp.asking import amqp_find_log, amqp_login, amqp_request
from novaflow.adapters.amqp.consumer import amqp_consume
from novaflow.adapters.amqp.listener import Begin, Listener
from novaflow.adapters.amqp.publisher import Publisher

__all__ = [
    "Begin",
    "BrokerProblem",
    "Listener",
    "Publisher",
    "amqp_consume",
    "amqp_find_log",
    "amqp_login",
    "amqp_request",
]
