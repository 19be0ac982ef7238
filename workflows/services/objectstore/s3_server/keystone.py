"""keystone, which knows the EC2 keys of its users."""

import base64
import hashlib
import hmac
import http.client
import json
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from .database import ADMIN
from .errors import S3Error
from .keys import Key

TIMEOUT_S = 10.0
REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
SAMPLE = b"the object store asks whether this key is valid"


@dataclass(frozen=True, slots=True)
class Account:
    """The account of the object store: ``url`` ends with /v3; ``domain`` is the id of the domain of user and project."""

    url: str
    user: str
    password: str
    project: str
    domain: str

    def login(self) -> object:
        """Return the body of the request for a token."""
        domain = {"domain": {"id": self.domain}}
        user = {"name": self.user, "password": self.password, **domain}
        scope = {"project": {"name": self.project, **domain}}
        return {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}


class Keystone:
    """A client of keystone."""

    def __init__(self, account: Account) -> None:
        self._account, self._place, self._token = account, urlsplit(account.url), ""

    def find_key(self, access: str) -> Key | None:
        """Return the key that a user has created, with the id of its project; ``None`` if there is none, or if it is not valid.

        The administrator's project has its name instead of its id, which is another one in every cloud.

        Raises: S3Error, ServiceUnavailable, if keystone does not answer.
        """
        status, found = self._ask("GET", f"/credentials/{hashlib.sha256(access.encode()).hexdigest()}")
        if status == HTTPStatus.NOT_FOUND:
            return None
        self._expect(status, HTTPStatus.OK)
        if found["credential"]["type"] != "ec2":
            return None
        secret = str(json.loads(found["credential"]["blob"]).get("secret", ""))
        if not secret:
            return None
        # keystone itself decides whether the user and the project are enabled, and whether the user has a role in it.
        signature = base64.b64encode(hmac.new(secret.encode(), SAMPLE, hashlib.sha1).digest()).decode()
        sample = {"access": access, "token": base64.urlsafe_b64encode(SAMPLE).decode(), "signature": signature}
        status, found = self._ask("POST", "/s3tokens", {"credentials": sample})
        if status in REFUSED:
            return None
        self._expect(status, HTTPStatus.OK)
        project = found["token"]["project"]
        is_admin = (project["name"], project["domain"]["id"]) == (ADMIN, self._account.domain)
        return Key(access, secret, project["name"] if is_admin else project["id"])

    def _ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Send a request with a token, which is renewed if keystone rejects it; return status and content of the response."""
        status, _, found = self._send(method, path, body)
        if status == HTTPStatus.UNAUTHORIZED:
            status, headers, _ = self._send("POST", "/auth/tokens", self._account.login())
            self._expect(status, HTTPStatus.CREATED)
            self._token = headers["X-Subject-Token"]
            status, _, found = self._send(method, path, body)
        return status, found

    def _send(self, method: str, path: str, body: object) -> tuple[int, Message, Any]:
        connection = http.client.HTTPConnection(self._place.netloc, timeout=TIMEOUT_S)
        headers = {"Content-Type": "application/json", "X-Auth-Token": self._token}
        try:
            connection.request(method, self._place.path + path, json.dumps(body) if body else None, headers)
            response = connection.getresponse()
            return response.status, response.headers, json.load(response)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._failure(str(error)) from error
        finally:
            connection.close()

    def _expect(self, status: int, expected: HTTPStatus) -> None:
        if status != expected:
            raise self._failure(f"it answered {status}, expected {expected}")

    def _failure(self, reason: str) -> S3Error:
        return S3Error(503, "ServiceUnavailable", f"the key cannot be verified, because keystone at {self._account.url} failed: {reason}")
