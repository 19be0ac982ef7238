"""The WSGI application."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from .authentication import authenticate
from .database import ADMIN
from .errors import S3Error
from .http import Request, Response
from .keys import Key, Keys
from .keystone import Account, Keystone
from .routes import find_handler
from .store import Store
from .xml import render

Start = Callable[[str, list[tuple[str, str]]], object]


class Application:
    """Handles the requests for one store; without ``keys``, they need no signature, and all buckets belong to everyone."""

    def __init__(self, store: Store, keys: Keys | None) -> None:
        self._store, self._keys = store, keys

    def __call__(self, environ: Mapping[str, Any], start: Start) -> Iterable[bytes]:
        """Handle one request, as WSGI specifies."""
        try:
            response = self._respond(Request.read(environ))
        except S3Error as error:
            response = _describe(error, environ.get("RAW_URI", "").partition("?")[0])
        length = {"Content-Length": str(sum(map(len, response.body)))} if isinstance(response.body, tuple) else {}
        start(f"{response.status} {HTTPStatus(response.status).phrase}", [*{**length, **response.headers}.items()])
        if environ["REQUEST_METHOD"] != "HEAD" and response.status != HTTPStatus.NOT_MODIFIED:
            return response.body
        getattr(response.body, "close", lambda: None)()
        return ()

    def _respond(self, request: Request) -> Response:
        store = self._store
        if self._keys is not None:
            request, project = authenticate(request, self._keys)
            store = store.of_project(project)
        return find_handler(request)(store, request)


def _describe(error: S3Error, resource: str) -> Response:
    if error.status == HTTPStatus.NOT_MODIFIED:
        return Response(error.status, error.headers, iter(()))
    # The message may contain a key with characters that XML does not have.
    message = "".join(each if each.isprintable() else "\ufffd" for each in error.message)
    parts = ("Code", error.code), ("Message", message), ("Resource", resource)
    return Response(error.status, {"Content-Type": "application/xml", **error.headers}, (render("Error", parts),))


def application() -> Application:
    """Return the application that the file in the environment variable OBJECTSTORE_CONFIG describes."""
    config = json.loads(Path(os.environ["OBJECTSTORE_CONFIG"]).read_text(encoding="utf-8"))  # noqa: TID251 - gunicorn passes no arguments
    store = Store.open_folder(Path(config["folder"]), config["quota"])
    return Application(store, None if config["anonymous"] else _read_keys(config))


def _read_keys(config: Mapping[str, Any]) -> Keys:
    ask = Keystone(Account(**config["keystone"])).find_key if config["keystone"] else lambda _: None
    return Keys(Key(config["access"], config["secret"], ADMIN), ask)
