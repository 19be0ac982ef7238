"""The WSGI application."""

import os
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from .errors import S3Error
from .http import Request, Response
from .routes import find_handler
from .store import Store
from .xml import render

Start = Callable[[str, list[tuple[str, str]]], object]


class Application:
    """Handles the requests for one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, environ: Mapping[str, Any], start: Start) -> Iterable[bytes]:
        """Handle one request, as WSGI specifies."""
        try:
            request = Request.read(environ)
            response = find_handler(request)(self._store, request)
        except S3Error as error:
            response = _describe(error, environ.get("RAW_URI", "").partition("?")[0])
        length = {"Content-Length": str(sum(map(len, response.body)))} if isinstance(response.body, tuple) else {}
        start(f"{response.status} {HTTPStatus(response.status).phrase}", [*{**length, **response.headers}.items()])
        if environ["REQUEST_METHOD"] != "HEAD" and response.status != HTTPStatus.NOT_MODIFIED:
            return response.body
        getattr(response.body, "close", lambda: None)()
        return ()


def _describe(error: S3Error, resource: str) -> Response:
    if error.status == HTTPStatus.NOT_MODIFIED:
        return Response(error.status, error.headers, iter(()))
    # The message may contain a key with characters that XML does not have.
    message = "".join(each if each.isprintable() else "\ufffd" for each in error.message)
    parts = ("Code", error.code), ("Message", message), ("Resource", resource)
    return Response(error.status, {"Content-Type": "application/xml", **error.headers}, (render("Error", parts),))


def application() -> Application:
    """Return the application for the store in the folder that the environment variable OBJECTSTORE names."""
    return Application(Store(Path(os.environ["OBJECTSTORE"])))  # noqa: TID251 - gunicorn passes no arguments
