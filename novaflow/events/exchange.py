"""The names under which events live on a broker, and what a broker of the stack's own must allow."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

EXCHANGE = "novaflow.events"
VHOST = "novaflow"  # of its own: who may listen to events sees nothing of Nova's queues
PUBLISHER = "novaflow"
SUBSCRIBER = "subscriber"


def log_queue(exchange: str) -> str:
    """Return the name of the stream that keeps the events of an exchange for late subscribers."""
    return f"{exchange}.log"


def unrouted_exchange(exchange: str) -> str:
    """Return the name of the exchange that takes events whose binding to the log was lost."""
    return f"{exchange}.unrouted"


def definitions(passwords: Mapping[str, str], *, salts: Mapping[str, bytes]) -> dict[str, Any]:
    """Return RabbitMQ definitions for the events' virtual host, to be loaded when the broker starts.

    ``passwords`` and ``salts`` (four bytes each) are by user: PUBLISHER and SUBSCRIBER. The subscriber may read the
    events and have queues of its own, whose names begin with ``subscriber.`` or are the server's; it cannot publish.
    """
    ours, theirs = r"^novaflow\.events(\..*)?$", r"^(subscriber\.|amq\.gen).*$"
    return {
        "vhosts": [{"name": VHOST}],
        "users": [_user(name, passwords[name], salts[name]) for name in (PUBLISHER, SUBSCRIBER)],
        "permissions": [
            {"user": PUBLISHER, "vhost": VHOST, "configure": ours, "write": ours, "read": ours},
            {
                "user": SUBSCRIBER,
                "vhost": VHOST,
                "configure": theirs,
                "write": theirs,
                "read": r"^(novaflow\.events(\.log)?|(subscriber\.|amq\.gen).*)$",
            },
        ],
        # Here, so that subscribers can bind their queues before the first event is published.
        "exchanges": [_exchange(EXCHANGE, "topic"), _exchange(unrouted_exchange(EXCHANGE), "fanout")],
        "policies": [
            {
                # As a policy: an argument would be refused by every client that declares the exchange without it.
                "name": "events-unrouted",
                "vhost": VHOST,
                "pattern": r"^novaflow\.events$",
                "apply-to": "exchanges",
                "definition": {"alternate-exchange": unrouted_exchange(EXCHANGE)},
                "priority": 0,
            },
            {
                # A subscriber that went away, or never acknowledges, must not fill the disk.
                "name": "subscribers-bounded",
                "vhost": VHOST,
                "pattern": theirs,
                "apply-to": "queues",
                "definition": {"max-length-bytes": 100_000_000, "overflow": "drop-head", "expires": 7 * 24 * 3600 * 1000},
                "priority": 0,
            },
        ],
    }


def _exchange(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "vhost": VHOST, "type": kind, "durable": True, "auto_delete": False, "internal": False, "arguments": {}}


def _user(name: str, password: str, salt: bytes) -> dict[str, Any]:
    digest = base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
    return {"name": name, "password_hash": digest, "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": []}
