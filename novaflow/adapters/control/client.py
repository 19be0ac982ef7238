"""A client of the supervisor's HTTP interface."""

import errno
import os
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import anyio

from novaflow.errors import UsageError
from novaflow.model.context import NO_ARGUMENTS, HttpResponse
from novaflow.model.probe import NotYet
from novaflow.plan.commands import ServiceCommand

ANSWER_WITHIN_S = 5.0  # for requests that the supervisor answers at once
FINISH_WITHIN_S = 24 * 3600  # for requests that it answers when the work is done; workflows have limits of their own


class ControlClient:
    """Sends requests to the supervisor that listens on ``socket``.

    Every method raises PermissionError if this user may not write to the socket, or may not send the request. ``fetch_status``
    and ``request_stop`` raise TimeoutError if a supervisor listens that does not answer within ``answer_within_s``.
    """

    def __init__(self, socket: Path, answer_within_s: float = ANSWER_WITHIN_S) -> None:
        self._socket, self._answer_within_s = socket, answer_within_s

    async def fetch_status(self) -> Mapping[str, Any] | None:
        """Return the stack's status; ``None`` if no supervisor answers."""
        try:
            return dict((await self._request_at_once("GET", "/status")).json)
        except NotYet:
            return None

    async def request_stop(self) -> bool:
        """Request an orderly stop of the stack; return whether a supervisor accepted the request."""
        try:
            await self._request_at_once("POST", "/stop")
        except NotYet:
            return False
        return True

    async def run_workflow(self, workflow: str, arguments: Mapping[str, str] = NO_ARGUMENTS) -> Mapping[str, str]:
        """Run a workflow in the supervisor; when it is done, return each failed node's error.

        ``arguments`` are what its steps read in addition to settings.

        Raises: UsageError, if no supervisor answers or if it refuses.
        """
        return await self._request_work(f"/workflows/{workflow}?{urlencode(arguments)}", workflow)

    async def send_service_command(self, command: ServiceCommand, name: str) -> Mapping[str, str]:
        """Start, stop or restart the services called ``name``; when it is done, return each failed service's error.

        Raises: UsageError, if no supervisor answers or if it refuses.
        """
        return await self._request_work(f"/services/{name}/{command}", f"{command} of {name}")

    async def _request_work(self, path: str, work: str) -> Mapping[str, str]:
        try:
            answer = await self._request("POST", path)
        except NotYet as error:
            raise UsageError(f"the stack is not up ({error}); bring it up with `novaflow up`") from error
        if answer.status != HTTPStatus.OK:
            raise UsageError(answer.json["error"] if answer.json else f"the stack was stopped before {work} was done")
        failures: dict[str, str] = answer.json["failures"]
        return failures

    async def _request_at_once(self, method: str, path: str) -> HttpResponse:
        with anyio.fail_after(self._answer_within_s):
            return await self._request(method, path)

    async def _request(self, method: str, path: str) -> HttpResponse:
        if self._socket.exists() and not os.access(self._socket, os.W_OK):
            raise self._denied()
        # Imported here: it imports httpx, and commands about a stack that is stopped send no request.
        from novaflow.adapters.http import HttpClient  # noqa: PLC0415

        client = HttpClient(timeout_s=FINISH_WITHIN_S, socket=self._socket)
        try:
            answer = await client.request(method, f"http://supervisor{path}")
        finally:
            await client.aclose()
        if answer.status == HTTPStatus.FORBIDDEN:  # for a member of NOVAFLOW_GROUP
            raise self._denied()
        return answer

    def _denied(self) -> PermissionError:
        return PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self._socket))
