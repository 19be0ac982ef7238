"""The keys of keystone's users."""

from collections.abc import Iterator

import pytest

from tests.support.keystone import FakeKeystone, Pair, serving_keystone
from workflows.services.objectstore.s3_server import keys
from workflows.services.objectstore.s3_server.errors import S3Error
from workflows.services.objectstore.s3_server.keys import Key, Keys
from workflows.services.objectstore.s3_server.keystone import Account, Keystone

OWN = Key("own", "secret", "admin")


@pytest.fixture
def fake() -> Iterator[FakeKeystone]:
    """Return a keystone with the keys of one user."""
    with serving_keystone() as running:
        running.add(Pair("user", "secret-of-user", "one"))
        yield running


def client_of(fake: FakeKeystone) -> Keystone:
    """Return the client of the object store."""
    return Keystone(Account(**fake.account))


def test_a_key_belongs_to_a_project(fake: FakeKeystone) -> None:
    """The project of a key is its id; the administrator's has its name, which is the same in each cloud."""
    fake.add(Pair("other-admin", "secret", "admin"))
    client = client_of(fake)
    assert client.find_key("user") == Key("user", "secret-of-user", "id-of-one")
    assert client.find_key("other-admin") == Key("other-admin", "secret", "admin")
    assert client.find_key("unknown") is None
    assert fake.requests.count("POST /v3/auth/tokens") == 1


def test_a_token_is_renewed(fake: FakeKeystone) -> None:
    """If keystone does not accept the token any more, the object store logs in again."""
    client = client_of(fake)
    assert client.find_key("user")
    fake.tokens.clear()
    assert client.find_key("user")
    assert fake.requests.count("POST /v3/auth/tokens") == 2


def test_a_wrong_account_is_no_wrong_key(fake: FakeKeystone) -> None:
    """If keystone rejects the object store itself, the key cannot be verified; the error names keystone."""
    client = Keystone(Account(**{**fake.account, "password": "wrong"}))
    with pytest.raises(S3Error, match=f"keystone at {fake.url} failed: it answered 401, expected 201") as raised:
        client.find_key("user")
    assert (raised.value.status, raised.value.code) == (503, "ServiceUnavailable")


def test_answers_are_kept_for_a_while(fake: FakeKeystone) -> None:
    """Keystone is asked once for a key, known or not, and never for that of the stack."""
    found = Keys(OWN, client_of(fake).find_key)
    for _ in range(3):
        assert found.find("own") == OWN
        assert found.find("unknown") is None
        assert found.find("x" * 129) is None
        assert found.find("user") == Key("user", "secret-of-user", "id-of-one")
    assert len(fake.requests) == len(["without a token", "login", "unknown", "user", "signature"])


def test_the_number_of_answers_is_limited() -> None:
    """Clients choose the names of keys that do not exist: old answers are dropped."""
    asked: list[str] = []
    found = Keys(OWN, asked.append)
    for number in range(keys.MOST + 1):
        found.find(str(number))
    found.find(str(keys.MOST))
    found.find("0")
    assert asked[keys.MOST :] == [str(keys.MOST), "0"]


def test_an_answer_that_failed_is_not_kept() -> None:
    """When keystone answers again, the key is accepted."""
    answers: list[Key | None] = [OWN]

    def ask(_: str) -> Key | None:
        if len(answers) == 1:
            answers.append(None)
            raise S3Error(503, "ServiceUnavailable", "keystone failed")
        return answers[0]

    found = Keys(OWN, ask)
    with pytest.raises(S3Error):
        found.find("user")
    assert found.find("user") == OWN
