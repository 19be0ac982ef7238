"""Print every event that the broker keeps, from the oldest: `python replay_with_pika.py amqp://subscriber:…@host:5672/novaflow`."""

import json
import sys

import pika

connection = pika.BlockingConnection(pika.URLParameters(sys.argv[1]))
channel = connection.channel()
channel.basic_qos(prefetch_count=100)  # a stream queue requires a limit

# "first" can also be "next", an offset, or a timestamp; reading removes nothing from a stream.
for method, _properties, body in channel.consume("novaflow.events.log", arguments={"x-stream-offset": "first"}):
    event = json.loads(body)
    print(event["sequence"], event["subject"], event["type"], event["data"]["reason"], flush=True)
    channel.basic_ack(method.delivery_tag)
