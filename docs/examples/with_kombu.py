"""Print every service that gets ready, with plain kombu: `python with_kombu.py amqp://subscriber:…@host:5672/novaflow`."""

import json
import sys

from kombu import Connection, Consumer, Exchange, Message, Queue

# A subscriber may not make the exchange: no_declare. Its queue's name has to begin with "subscriber.".
events = Exchange("novaflow.events", type="topic", no_declare=True)
queue = Queue("subscriber.with-kombu", exchange=events, routing_key="*.service.*.ready")


def show(message: Message) -> None:
    """Print one event."""
    print(json.loads(message.body)["subject"], "is ready", flush=True)
    message.ack()


with Connection(sys.argv[1]) as connection, Consumer(connection, [queue], on_message=show):
    while True:
        connection.drain_events()
