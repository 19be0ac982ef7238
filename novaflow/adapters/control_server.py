"""Answers on the supervisor's Unix socket: HTTP, so that `curl --unix-socket` speaks it too."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from novaflow.errors import NovaflowError

GRACE_S = 1  # for answers on their way; whoever asks for a workflow has it told by events as well
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

Ask = Callable[[], Mapping[str, Any]]
Measure = Callable[[], bytes]
Conduct = Callable[[str], Awaitable[Mapping[str, Any]]]


@asynccontextmanager
async def serving(path: Path, *, status: Ask, metrics: Measure, stop: Callable[[str], None], conduct: Conduct) -> AsyncIterator[None]:
    """Answer on a socket there as long as the block lasts, from its first moment on.

    ``GET /status`` returns ``status()``, ``GET /metrics`` returns ``metrics()``, which Prometheus reads, ``POST /stop`` asks
    for an orderly end, ``POST /workflows/NAME`` runs a workflow beside the one that is up and answers with
    ``conduct(name)`` when it is done.
    """

    async def answer_status(_: Request) -> JSONResponse:
        return JSONResponse(dict(status()))

    async def answer_metrics(_: Request) -> Response:
        try:
            return Response(metrics(), media_type=_PROMETHEUS)
        except NovaflowError as error:
            return PlainTextResponse(f"{error}\n", status_code=501)

    async def answer_stop(_: Request) -> JSONResponse:
        stop("asked to stop")
        return JSONResponse({}, status_code=202)

    async def answer_workflow(request: Request) -> JSONResponse:
        try:
            return JSONResponse(dict(await conduct(request.path_params["name"])))
        except NovaflowError as error:
            return JSONResponse({"error": str(error), "exit_code": error.exit_code}, status_code=409)

    routes = [
        Route("/status", answer_status),
        Route("/metrics", answer_metrics),
        Route("/stop", answer_stop, methods=["POST"]),
        Route("/workflows/{name}", answer_workflow, methods=["POST"]),
    ]
    path.unlink(missing_ok=True)  # noqa: ASYNC240 - of a supervisor that was killed; a call to the kernel, nothing to wait for
    config = uvicorn.Config(Starlette(routes=routes), log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=GRACE_S)
    server = _QuietServer(config)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, [_bind(path)])
        await server.listening.wait()
        try:
            yield
        finally:
            server.should_exit = True
    path.unlink(missing_ok=True)  # noqa: ASYNC240


def _bind(path: Path) -> socket.socket:
    """Return a socket there that only we may speak to: who may ask for the end of a stack may end it."""
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(path))
    path.chmod(0o600)  # nobody could connect before: it does not listen yet
    return bound


class _QuietServer(uvicorn.Server):
    """A server that says when it listens, and leaves signals alone: the supervisor handles them."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = anyio.Event()

    async def startup(self, sockets: list[Any] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing."""
        yield
