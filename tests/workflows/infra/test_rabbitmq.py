"""What RabbitMQ keeps of a password."""

import base64
import hashlib

from workflows.infra.rabbitmq.urls import hash_password


def test_the_hash_is_the_one_rabbitmq_computes() -> None:
    """Four bytes of salt, and the SHA-256 of salt and password after it."""
    kept = base64.b64decode(hash_password("hush"))
    assert len(kept) == 4 + 32
    assert kept[4:] == hashlib.sha256(kept[:4] + b"hush").digest()


def test_two_users_with_one_password_are_not_known_for_it() -> None:
    """The salt is drawn anew each time."""
    assert hash_password("hush") != hash_password("hush")
