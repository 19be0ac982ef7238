"""Errors of brokers: each reply has a kind, and the reasons of several brokers are reported together."""

import pytest

from novaflow.adapters.amqp.errors import BrokerError, ErrorKind, combine_errors, describe_refusal


@pytest.mark.parametrize(
    ("code", "method", "kind"),
    [
        (403, "Exchange.declare", ErrorKind.ACCESS_REFUSED),
        (404, "Queue.declare", ErrorKind.NOT_FOUND),
        (406, "Basic.publish", ErrorKind.MESSAGE_TOO_LARGE),
        (406, "Basic.consume", ErrorKind.TRANSIENT),
        (406, "Exchange.declare", ErrorKind.PERMANENT),
        (320, "", ErrorKind.TRANSIENT),
        (541, "Queue.declare", ErrorKind.TRANSIENT),
        (540, "Basic.publish", ErrorKind.PERMANENT),
        (0, "Basic.cancel", ErrorKind.NOT_FOUND),
        (0, "", ErrorKind.TRANSIENT),
    ],
)
def test_a_refusal_has_the_kind_of_its_reply_code_and_method(code: int, method: str, kind: ErrorKind) -> None:
    """The kind decides whether a retry may succeed."""
    assert describe_refusal(code, "the reply", method).kind is kind


def test_the_error_of_one_broker_stays_as_it_is() -> None:
    """Most URLs name one broker."""
    error = BrokerError("connection refused", kind=ErrorKind.TRANSIENT)
    assert combine_errors([error]) is error


def test_the_errors_of_several_brokers_are_combined() -> None:
    """A retry may succeed if it may with one of the brokers."""
    combined = combine_errors([BrokerError("a is unknown", "correct a"), BrokerError("b is down", kind=ErrorKind.TRANSIENT)])
    assert (str(combined), combined.kind) == ("a is unknown; b is down; correct a", ErrorKind.TRANSIENT)
