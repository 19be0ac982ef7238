"""A client of OpenStack's REST APIs with the administrator's token."""

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from novaflow.errors import StepFailed
from novaflow.model.context import Context, HttpResponse
from novaflow.model.endpoint import Endpoint
from novaflow.model.probe import NotYet
from workflows.services.keystone.identity import DOMAIN, PROJECT_ID

Json = Any  # the decoded body of a response
API_VERSIONS = "compute 2.90, volume 3.67"  # volume 3.67 is the first whose paths need no project
SUCCESS = range(200, 300)  # Source: RFC 9110, section 15.3
USED_PART = 0.9  # of a token's lifetime; services pass the token on, and need some of it for themselves
SERVER_ERROR = range(500, 600)  # Source: RFC 9110, section 15.6


class ServerFailed(StepFailed, NotYet):
    """A response with a status of 500 to 599.

    It fails a step. A step that waits for a condition repeats the request: a service returns 500 while a service that it uses
    is starting, as cinder's API does until a scheduler is up.
    """


@dataclass(frozen=True, slots=True)
class Api:
    """A client with a token for one project; the token that ``log_in`` has saved since is used instead."""

    ctx: Context
    token: str
    project_id: str

    async def get(self, service_type: str, path: str, *, headers: Mapping[str, str] | None = None) -> Json:
        """Send a GET request to a service; see ``request``."""
        return await self.request("GET", self.url(service_type, path), headers=headers)

    async def post(self, service_type: str, path: str, body: object) -> Json:
        """Send a POST request to a service; see ``request``."""
        return await self.request("POST", self.url(service_type, path), body)

    async def ensure(self, service_type: str, path: str, kind: str, new: Mapping[str, object], **match: str) -> Json:
        """Return the resource that has the name of ``new`` and the fields in ``match``; create it if there is none.

        ``path`` is that of the collection, ``kind`` the key of one resource in a body, such as ``network``.
        """
        found = (await self.get(service_type, f"{path}?{urlencode({'name': new['name'], **match})}"))[f"{kind}s"]
        return found[0] if found else (await self.post(service_type, path, {kind: new}))[kind]

    async def put(self, service_type: str, path: str, body: object = None, *, content: Path | None = None) -> Json:
        """Send a PUT request to a service; see ``request``."""
        return await self.request("PUT", self.url(service_type, path), body, content=content)

    async def patch(self, service_type: str, path: str, body: object, *, headers: Mapping[str, str] | None = None) -> Json:
        """Send a PATCH request to a service; see ``request``."""
        return await self.request("PATCH", self.url(service_type, path), body, headers=headers)

    async def delete(self, service_type: str, path: str) -> None:
        """Send a DELETE request to a service; see ``request``."""
        await self.request("DELETE", self.url(service_type, path))

    def url(self, service_type: str, path: str) -> str:
        """Return the URL of a path of the service of that type.

        Raises: LookupError, if no component of the stack declares an endpoint of that type.
        """
        return _find_url(self.ctx, service_type).replace(PROJECT_ID, self.project_id) + path

    async def request(
        self, method: str, url: str, body: object = None, *, content: Path | None = None, headers: Mapping[str, str] | None = None
    ) -> Json:
        """Send one request and return the JSON of the response; the body is ``body`` as JSON or the file ``content``.

        A saved token is renewed before it expires, and when a service rejects it.

        Raises: ServerFailed, if the status is 500 or above; StepFailed, if it is another one that is not a success; NotYet, if
        the connection fails.
        """
        response = await self._send(await self._valid_token(), method, url, body, content, headers)
        if response.status == HTTPStatus.UNAUTHORIZED and _read_saved(self.ctx):
            await log_in(self.ctx)
            response = await self._send(await self._valid_token(), method, url, body, content, headers)
        if response.status not in SUCCESS:
            message = f"{method} {url} returned {response.status}: {json.dumps(response.json)[:600]}"
            raise (ServerFailed if response.status in SERVER_ERROR else StepFailed)(message)
        return response.json

    async def _send(  # noqa: PLR0913, PLR0917 - those of ``request``, and the token
        self, token: str, method: str, url: str, body: object, content: Path | None, headers: Mapping[str, str] | None
    ) -> HttpResponse:
        sent = {"X-Auth-Token": token, "OpenStack-API-Version": API_VERSIONS, **(headers or {})}
        if content is not None:
            sent["Content-Type"] = "application/octet-stream"
        return await self.ctx.http(method, url, json=body, content=content, headers=sent)

    async def _valid_token(self) -> str:
        saved = _read_saved(self.ctx)
        if saved and saved["renew_at_s"] <= time.time():
            await log_in(self.ctx)
            saved = _read_saved(self.ctx)
        return str(saved["token"]) if saved else self.token

    async def find_public_url(self, service_types: Collection[str]) -> str | None:
        """Return the public URL of a service with one of these types in the catalog; ``None`` if there is none."""
        for service in (await self.get("identity", "/auth/catalog"))["catalog"]:
            if service["type"] in service_types:
                return next((str(one["url"]) for one in service["endpoints"] if one["interface"] == "public"), None)
        return None


def admin_api(ctx: Context) -> Api:
    """Return a client with the administrator's token, which ``log_in`` has saved.

    Raises: NotYet, if there is no token yet.
    """
    saved = _read_saved(ctx)
    if not saved:
        raise NotYet("the administrator has not logged in to keystone yet")
    return Api(ctx, saved["token"], saved["project_id"])


async def log_in(ctx: Context) -> str:
    """Request a token for the administrator, save it for all steps of this run, and return the id of its project.

    Raises: StepFailed, if keystone rejects the request; NotYet, if the connection fails.
    """
    project = {"name": "admin", "domain": {"id": DOMAIN}}
    user = {"name": "admin", "domain": {"id": DOMAIN}, "password": ctx.secret("account-admin")}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": {"project": project}}}
    requested_s = time.time()
    response = await ctx.http("POST", f"{_find_url(ctx, 'identity')}/auth/tokens", json=body)
    if response.status != HTTPStatus.CREATED:
        raise StepFailed(f"keystone rejected the administrator's login with {response.status}: {response.json}")
    token = response.json["token"]
    lifetime = datetime.fromisoformat(token["expires_at"]) - datetime.fromisoformat(token["issued_at"])
    saved = {
        "token": response.headers["x-subject-token"],
        "project_id": token["project"]["id"],
        "renew_at_s": requested_s + USED_PART * lifetime.total_seconds(),
    }
    await ctx.write(_token_file(ctx), json.dumps(saved), 0o600)
    return str(saved["project_id"])


def forget_token(ctx: Context) -> None:
    """Delete the token of an earlier run."""
    _token_file(ctx).unlink(missing_ok=True)


def _find_url(ctx: Context, service_type: str) -> str:
    for endpoint in ctx.declared(Endpoint):
        if endpoint.name == service_type:
            return endpoint.local_url(ctx.settings)
    raise LookupError(f"no component declares an endpoint of type {service_type}")


def _read_saved(ctx: Context) -> Json:
    """Return what ``log_in`` has saved; ``None`` if there is nothing, or if another version of novaflow has saved it."""
    try:
        saved = json.loads(_token_file(ctx).read_text())
    except FileNotFoundError:
        return None
    return saved if "renew_at_s" in saved else None


def _token_file(ctx: Context) -> Path:
    return ctx.paths.run / "admin-token.json"
