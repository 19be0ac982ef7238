"""The definitions that the broker loads: who may do what in the events' virtual host."""

import base64
import hashlib
import json
import re
from typing import Any

import pytest

from novaflow.events.exchange import EXCHANGE, PUBLISHER, SUBSCRIBER, VHOST, definitions, log_queue, unrouted_exchange

PASSWORDS = {PUBLISHER: "test12", SUBSCRIBER: "hush"}
SALTS = {PUBLISHER: bytes.fromhex("908DC60A"), SUBSCRIBER: b"\0\1\2\3"}
DEFINITIONS = definitions(PASSWORDS, salts=SALTS)


def permission(user: str, action: str) -> re.Pattern[str]:
    """Return the pattern of the exchanges and queues with which the user may do this; the broker searches for it in their names."""
    (found,) = (one for one in DEFINITIONS["permissions"] if one["user"] == user)
    return re.compile(found[action])


def test_everything_is_in_one_virtual_host() -> None:
    """Services have another one."""
    assert DEFINITIONS["vhosts"] == [{"name": VHOST}]
    named: list[dict[str, Any]] = [one for part in ("permissions", "exchanges", "policies") for one in DEFINITIONS[part]]
    assert {one["vhost"] for one in named} == {"novaflow"}


def test_definitions_contain_no_password() -> None:
    """They are written to a file; users have no tags, which would let them manage the broker."""
    assert not [password for password in PASSWORDS.values() if password in json.dumps(DEFINITIONS)]
    assert [(user["name"], user["tags"]) for user in DEFINITIONS["users"]] == [("novaflow", []), ("subscriber", [])]


def test_a_password_is_hashed_as_the_broker_expects() -> None:
    """The first user has the password and the salt of the example in RabbitMQ's documentation, "Passwords"."""
    publisher, subscriber = DEFINITIONS["users"]
    assert publisher["password_hash"] == "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"
    assert publisher["hashing_algorithm"] == subscriber["hashing_algorithm"] == "rabbit_password_hashing_sha256"
    salted = base64.b64decode(subscriber["password_hash"])
    assert (salted[:4], salted[4:]) == (b"\0\1\2\3", hashlib.sha256(b"\0\1\2\3hush").digest())


@pytest.mark.parametrize("action", ["configure", "write", "read"])
@pytest.mark.parametrize(
    ("name", "may"),
    [
        (EXCHANGE, True),
        (log_queue(EXCHANGE), True),
        (unrouted_exchange(EXCHANGE), True),
        ("novaflow.eventsX", False),
        ("novaflowXevents", False),
        ("my.novaflow.events", False),
        ("subscriber.mine", False),
        ("amq.topic", False),
        ("", False),
    ],
)
def test_the_publisher_has_its_own_exchanges_and_queues(action: str, name: str, may: bool) -> None:  # noqa: FBT001 - a column of the table
    """Those whose names begin with the name of the exchange."""
    assert bool(permission(PUBLISHER, action).search(name)) is may


@pytest.mark.parametrize(
    ("name", "actions"),
    [
        (EXCHANGE, {"read"}),
        (log_queue(EXCHANGE), {"read"}),
        (unrouted_exchange(EXCHANGE), set()),
        ("novaflow.events.log.more", set()),
        ("novaflowXevents", set()),
        ("subscriber.mine", {"configure", "write", "read"}),
        ("amq.gen-Xa2", {"configure", "write", "read"}),
        ("amq.topic", set()),
        ("amq.default", set()),
        ("subscriberX", set()),
        ("my.subscriber.mine", set()),
        ("", set()),
    ],
)
def test_a_subscriber_reads_events_and_has_queues_of_its_own(name: str, actions: set[str]) -> None:
    """It cannot publish events, neither to the exchange nor to the default one, whose name is empty."""
    assert {action for action in ("configure", "write", "read") if permission(SUBSCRIBER, action).search(name)} == actions


def test_events_without_a_queue_are_kept_apart() -> None:
    """The policy applies to the exchange of events alone; the exchange that it names exists, and takes every event."""
    (policy,) = (one for one in DEFINITIONS["policies"] if one["apply-to"] == "exchanges")
    assert re.search(policy["pattern"], EXCHANGE)
    assert not re.search(policy["pattern"], unrouted_exchange(EXCHANGE))
    kinds = {one["name"]: (one["type"], one["durable"], one["auto_delete"]) for one in DEFINITIONS["exchanges"]}
    assert kinds == {EXCHANGE: ("topic", True, False), policy["definition"]["alternate-exchange"]: ("fanout", True, False)}


def test_queues_of_subscribers_are_bounded() -> None:
    """Each queue that a subscriber can declare, and no other one: the stream queue keeps its events."""
    (policy,) = (one for one in DEFINITIONS["policies"] if one["apply-to"] == "queues")
    assert policy["pattern"] == permission(SUBSCRIBER, "configure").pattern
    assert not re.search(policy["pattern"], log_queue(EXCHANGE))
    assert policy["definition"] == {"max-length-bytes": 100_000_000, "overflow": "drop-head", "expires": 604_800_000}
