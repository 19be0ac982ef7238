"""Print every event of a stack, with plain pika: `python with_pika.py amqp://subscriber:…@host:5672/novaflow`."""

import json
import sys

import pika

connection = pika.BlockingConnection(pika.URLParameters(sys.argv[1]))
channel = connection.channel()
# A durable queue of your own keeps what comes while you are away; its name has to begin with "subscriber.".
channel.queue_declare("subscriber.with-pika", durable=True)
channel.queue_bind("subscriber.with-pika", "novaflow.events", routing_key="#")
channel.basic_qos(prefetch_count=100)

for method, _properties, body in channel.consume("subscriber.with-pika"):
    event = json.loads(body)
    print(event["sequence"], event["subject"], event["type"], event["data"]["reason"], flush=True)
    channel.basic_ack(method.delivery_tag)
