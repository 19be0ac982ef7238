"""The password hashes that RabbitMQ stores."""

import base64
import hashlib

from workflows.infra.rabbitmq.urls import hash_password


def test_the_hash_is_that_of_rabbitmq() -> None:
    """It consists of four bytes of salt and the SHA-256 of salt and password."""
    stored = base64.b64decode(hash_password("hush"))
    assert len(stored) == 4 + 32
    assert stored[4:] == hashlib.sha256(stored[:4] + b"hush").digest()


def test_equal_passwords_have_different_hashes() -> None:
    """Each hash has a new salt."""
    assert hash_password("hush") != hash_password("hush")
