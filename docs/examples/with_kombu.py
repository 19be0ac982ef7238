"""Print every service that becomes ready, with kombu: `python with_kombu.py amqp://subscriber:…@host:5672/novaflow`."""

import json
import sys

from kombu import Connection, Exchange, Message, Queue
from kombu.mixins import ConsumerMixin

# A subscriber may not declare the exchange, and the name of its queue has to begin with "subscriber.".
events = Exchange("novaflow.events", type="topic", no_declare=True)
queue = Queue("subscriber.with-kombu", exchange=events, routing_key="*.service.*.ready")


class ReadyServices(ConsumerMixin):
    """A consumer that prints events, and reconnects when the connection is lost."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def get_consumers(self, Consumer, channel):  # noqa: ANN001, ANN201, ARG002, N803 - kombu's signature
        """Consume the queue."""
        return [Consumer([queue], on_message=self.print_event)]

    def print_event(self, message: Message) -> None:
        """Print one event, and acknowledge it."""
        print(json.loads(message.body)["subject"], "is ready", flush=True)
        message.ack()


with Connection(sys.argv[1]) as connection:
    ReadyServices(connection).run()
