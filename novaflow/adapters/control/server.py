"""The supervisor's HTTP interface on a Unix socket, which `curl --unix-socket` can use as well."""

import asyncio  # noqa: TID251 - the interface of uvicorn's protocols
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from novaflow.adapters.control.peer import find_peer_uid
from novaflow.errors import MachineError, NovaflowError
from novaflow.plan.commands import ServiceCommand
from novaflow.settings import CONNECT

GRACE_S = 1  # for responses in progress when the server stops
IDLE_S = 5.0  # for a client to send a whole request
MOST_CONNECTIONS = 200  # for a further one, the oldest without a request in progress is closed
_READING = {"GET", "HEAD"}
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class ControlHandlers(Protocol):
    """What the supervisor does for each request; a NovaflowError it raises becomes the response."""

    def status(self) -> Mapping[str, Any]:
        """Return the stack's status."""
        ...

    def metrics(self) -> bytes:
        """Return the stack's metrics in the text format of Prometheus."""
        ...

    def stop(self, reason: str) -> None:
        """Begin an orderly stop of the stack."""
        ...

    async def run_workflow(self, name: str, arguments: Mapping[str, str], disconnect: Callable[[], Awaitable[None]]) -> Mapping[str, str]:
        """Run a workflow to its end and return each failed node's error; ``disconnect`` returns when the client has disconnected."""
        ...

    async def execute_service_command(self, command: ServiceCommand, name: str) -> Mapping[str, str]:
        """Start, stop or restart the services called ``name`` and return each failed service's error."""
        ...


@asynccontextmanager
async def serve_control(path: Path, handlers: ControlHandlers, *, group: int | None = None) -> AsyncIterator[None]:
    """Serve the interface on the socket ``path`` while the block runs; it listens when the block begins.

    ``GET /status`` and ``GET /metrics`` return the stack's status and metrics. ``POST /stop`` requests an orderly stop.
    ``POST /workflows/NAME?ARGUMENT=VALUE`` and ``POST /services/NAME/start``, ``stop`` or ``restart`` respond when the work is done, with
    ``failures``: each failed node's error. Users in ``group`` may connect as well; they get 403 for every POST.
    """
    path.unlink(missing_ok=True)  # noqa: ASYNC240 - left by a supervisor that was killed; the call does not block
    app = Starlette(routes=_ControlRoutes(handlers).routes, middleware=[Middleware(_ReadOnlyForMembers)])
    config = uvicorn.Config(
        app,
        http=_Connection,
        log_config=None,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=GRACE_S,
        limit_concurrency=MOST_CONNECTIONS + 1,  # requests of more get 503: every other connection has a request in progress
    )
    server = _Server(config)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, [_bind(path, group)])
        await server.listening.wait()
        try:
            yield
        finally:
            server.should_exit = True
    path.unlink(missing_ok=True)  # noqa: ASYNC240


class _ControlRoutes:
    """Translates between HTTP and ``ControlHandlers``."""

    def __init__(self, handlers: ControlHandlers) -> None:
        self._handlers = handlers

    @property
    def routes(self) -> list[Route]:
        """Return every route of the interface."""
        return [
            Route("/status", self._get_status),
            Route("/metrics", self._get_metrics),
            Route("/stop", self._post_stop, methods=["POST"]),
            Route("/workflows/{name}", self._post_workflow, methods=["POST"]),
            *(Route(f"/services/{{name}}/{command}", self._post_service_command, methods=["POST"]) for command in ServiceCommand),
        ]

    async def _get_status(self, _: Request) -> JSONResponse:
        return JSONResponse(dict(self._handlers.status()))

    async def _get_metrics(self, _: Request) -> Response:
        try:
            return Response(self._handlers.metrics(), media_type=_PROMETHEUS)
        except NovaflowError as error:
            return PlainTextResponse(f"{error}\n", status_code=501)

    async def _post_stop(self, _: Request) -> JSONResponse:
        self._handlers.stop("stop requested")
        return JSONResponse({}, status_code=202)

    async def _post_workflow(self, request: Request) -> JSONResponse:
        work = self._handlers.run_workflow(request.path_params["name"], dict(request.query_params), partial(_wait_disconnect, request))
        return await _respond_when_done(work)

    async def _post_service_command(self, request: Request) -> JSONResponse:
        command = ServiceCommand(request.url.path.rpartition("/")[2])
        return await _respond_when_done(self._handlers.execute_service_command(command, request.path_params["name"]))


async def _wait_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _respond_when_done(work: Awaitable[Mapping[str, str]]) -> JSONResponse:
    try:
        return JSONResponse({"failures": dict(await work)})
    except NovaflowError as error:
        return JSONResponse({"error": str(error), "exit_code": error.exit_code}, status_code=409)


class _ReadOnlyForMembers:
    """Refuses what changes the stack, unless root or the user of the supervisor requests it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] in _READING or scope["state"]["uid"] in {0, os.geteuid()}:
            await self._app(scope, receive, send)
        else:
            message = f"{scope['method']} {scope['path']} is for root and the owner of the stack, not for uid {scope['state']['uid']}"
            await JSONResponse({"error": message, "exit_code": MachineError.exit_code}, HTTPStatus.FORBIDDEN)(scope, receive, send)


def _bind(path: Path, group: int | None) -> socket.socket:
    """Return a socket bound to ``path`` that only this user, and the group if there is one, may connect to."""
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(path))
    # Before listen(): until then no connection is possible.
    if group is not None:
        os.chown(path, -1, group)
    path.chmod(0o600 if group is None else 0o600 | CONNECT)
    return bound


class _Connection(H11Protocol):
    """The connection of one client.

    It is closed when it has had no request in progress for ``IDLE_S``, and earlier if there are too many connections: a client
    that is slow, silent or broken neither keeps others out nor uses up descriptors.
    """

    made_s = 0.0
    _timeout: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Return whether the connection is open and has no request in progress."""
        request = self._last_request
        return (request is None or request.response_complete) and not self.transport.is_closing()

    @property
    def _last_request(self) -> RequestResponseCycle | None:
        return self.cycle  # None before the first one, which the base class does not declare

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base class
        """Begin to wait for a request."""
        super().connection_made(transport)
        self.app_state = {"uid": find_peer_uid(transport.get_extra_info("socket"))}
        self.made_s = self.loop.time()
        self._restart_timeout()
        if len(self.connections) > MOST_CONNECTIONS:
            idle = (other for other in self.connections if isinstance(other, _Connection) and other is not self and other.is_idle)
            if oldest := min(idle, key=lambda other: other.made_s, default=None):
                oldest.close_if_idle()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop to wait."""
        self._stop_timeout()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self._restart_timeout()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP; only close the connection where it follows a request, which may be in progress."""
        if self._last_request is None:
            super().send_400_response(msg)
        else:
            self.transport.abort()

    def close_if_idle(self) -> None:
        """Close the connection at once, unless a request is in progress: ``on_response_complete`` restarts the time then."""
        if self.is_idle:
            self.transport.abort()

    def _restart_timeout(self) -> None:
        self._stop_timeout()
        self._timeout = self.loop.call_later(IDLE_S, self.close_if_idle)

    def _stop_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()


class _Server(uvicorn.Server):
    """A server that signals when it listens and leaves signal handling to the supervisor."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = anyio.Event()

    async def startup(self, sockets: list[Any] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers."""
        yield
