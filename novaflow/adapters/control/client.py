"""Asks a stack's supervisor over its Unix socket."""

import errno
import os
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from novaflow.adapters.http.client import HttpClient
from novaflow.errors import UsageError
from novaflow.model.context import Answer
from novaflow.model.probe import NotYet
from novaflow.plan.plan import ServiceCommand


class Control:
    """A client of the supervisor's socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def status(self) -> Mapping[str, Any] | None:
        """Return what the supervisor says of the stack; ``None`` if nobody answers."""
        try:
            return dict((await self._ask("GET", "/status", timeout_s=5)).json)
        except NotYet:
            return None

    async def stop(self) -> bool:
        """Ask for an orderly end, and return whether anybody heard."""
        try:
            await self._ask("POST", "/stop", timeout_s=5)
        except NotYet:
            return False
        return True

    async def run(self, workflow: str) -> Mapping[str, Any]:
        """Run a workflow in the supervisor and return its result.

        Raises: UsageError, if no supervisor answers, or it refuses.
        """
        return await self._have_done(f"/workflows/{workflow}", workflow)

    async def handle(self, command: ServiceCommand, name: str) -> Mapping[str, Any]:
        """Start, stop or restart what is meant by the name, and return, when it is done, what failed.

        Raises: UsageError, if no supervisor answers, or it refuses.
        """
        return await self._have_done(f"/services/{name}/{command}", f"{command} of {name}")

    async def _have_done(self, path: str, what: str) -> Mapping[str, Any]:
        try:
            answer = await self._ask("POST", path, timeout_s=3600)
        except NotYet as error:
            message = f"the stack is not up ({error}); bring it up with `novaflow up`"
            raise UsageError(message) from error
        if answer.status != HTTPStatus.OK:
            raise UsageError(answer.json["error"] if answer.json else f"the stack was stopped before {what} was done")
        return dict(answer.json)

    async def _ask(self, method: str, path: str, *, timeout_s: float) -> Answer:
        if self._socket.exists() and not os.access(self._socket, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self._socket))
        client = HttpClient(timeout_s=timeout_s, socket=self._socket)
        try:
            return await client.request(method, f"http://supervisor{path}")
        finally:
            await client.aclose()
