"""A keystone that knows users' EC2 keys, for the object store: what keystone 30 answers to the three requests that it sends."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.rest import JsonHandler, serving

ACCOUNT = {"user": "objectstore", "password": "password", "project": "service", "domain": "default"}


@dataclass(frozen=True, slots=True)
class Pair:
    """A user's keys; ``project`` is the name of its project, and its id is ``id-of-NAME``."""

    access: str
    secret: str
    project: str
    enabled: bool = True


@dataclass(slots=True)
class FakeKeystone:
    """What it knows and what it was asked for: ``tokens`` are valid ones, ``requests`` have a method and a path."""

    url: str = ""
    pairs: dict[str, Pair] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def account(self) -> dict[str, str]:
        """The account of the object store."""
        return {"url": self.url, **ACCOUNT}

    def add(self, *pairs: Pair) -> None:
        """Add keys of users, or replace them."""
        self.pairs |= {hashlib.sha256(pair.access.encode()).hexdigest(): pair for pair in pairs}

    def answer(self, method: str, path: str, token: str, body: Any) -> tuple[int, dict[str, str], object]:  # noqa: ANN401 - JSON
        """Return status, headers and body of the response."""
        self.requests.append(f"{method} {path}")
        if path == "/v3/auth/tokens":
            return self._log_in(body)
        if token not in self.tokens:
            return 401, {}, {}
        if path == "/v3/s3tokens":
            return self._verify(body["credentials"])
        pair = self.pairs.get(path.removeprefix("/v3/credentials/"))
        if pair is None:
            return 404, {}, {}
        return 200, {}, {"credential": {"type": "ec2", "blob": json.dumps({"access": pair.access, "secret": pair.secret})}}

    def _log_in(self, body: Any) -> tuple[int, dict[str, str], object]:  # noqa: ANN401
        user, project = body["auth"]["identity"]["password"]["user"], body["auth"]["scope"]["project"]
        found = {"user": user["name"], "password": user["password"], "project": project["name"], "domain": project["domain"]["id"]}
        if found != ACCOUNT:
            return 401, {}, {}
        self.tokens.append(f"token-{len(self.tokens)}")
        return 201, {"X_Subject_Token": self.tokens[-1]}, {}

    def _verify(self, sample: dict[str, str]) -> tuple[int, dict[str, str], object]:
        pair = self.pairs[hashlib.sha256(sample["access"].encode()).hexdigest()]
        text = base64.urlsafe_b64decode(sample["token"])
        signature = base64.b64encode(hmac.new(pair.secret.encode(), text, hashlib.sha1).digest()).decode()
        if signature != sample["signature"] or not pair.enabled:
            return 401, {}, {}
        project = {"id": f"id-of-{pair.project}", "name": pair.project, "domain": {"id": "default"}}
        return 200, {}, {"token": {"project": project}}


@contextmanager
def serving_keystone() -> Iterator[FakeKeystone]:
    """Run a keystone without keys."""
    fake = FakeKeystone()

    class Handler(JsonHandler):
        def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
            body = json.loads(self.read_body() or b"null")
            status, headers, answer = fake.answer(self.command, self.path, self.headers["X-Auth-Token"], body)
            self.send_json(status, answer, **headers)

        do_POST = do_GET  # noqa: N815 - the same

    with serving(Handler) as port:
        fake.url = f"http://127.0.0.1:{port}/v3"
        yield fake
