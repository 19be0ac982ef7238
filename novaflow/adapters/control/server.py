"""Answers on the supervisor's Unix socket: HTTP, so that `curl --unix-socket` speaks it too."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from novaflow.errors import NovaflowError
from novaflow.plan.plan import ServiceCommand

GRACE_S = 1  # for answers on their way; whoever asks for a workflow has it told by events as well
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class ControlHandlers:
    """What is asked, and who answers; what they raise is answered too, if it is one of ours."""

    status: Callable[[], Mapping[str, Any]]
    metrics: Callable[[], bytes]
    stop: Callable[[str], None]
    run: Callable[[str], Awaitable[Mapping[str, Any]]]
    handle: Callable[[ServiceCommand, str], Awaitable[Mapping[str, Any]]]


@asynccontextmanager
async def serving(path: Path, answers: ControlHandlers) -> AsyncIterator[None]:
    """Answer on a socket there as long as the block lasts, from its first moment on.

    ``GET /status`` returns ``status()``, ``GET /metrics`` returns ``metrics()``, which Prometheus reads, ``POST /stop`` asks
    for an orderly end, ``POST /workflows/NAME`` runs a workflow beside the one that is up and answers with
    ``conduct(name)`` when it is done, ``POST /services/NAME/start``, ``stop`` and ``restart`` answer with
    ``handle(verb, name)`` when the service is ready, or down.
    """

    async def answer_status(_: Request) -> JSONResponse:
        return JSONResponse(dict(answers.status()))

    async def answer_metrics(_: Request) -> Response:
        try:
            return Response(answers.metrics(), media_type=_PROMETHEUS)
        except NovaflowError as error:
            return PlainTextResponse(f"{error}\n", status_code=501)

    async def answer_stop(_: Request) -> JSONResponse:
        answers.stop("asked to stop")
        return JSONResponse({}, status_code=202)

    async def answer_workflow(request: Request) -> JSONResponse:
        return await _answer_when_done(answers.run(request.path_params["name"]))

    async def answer_service(request: Request) -> JSONResponse:
        command = ServiceCommand(request.url.path.rpartition("/")[2])
        return await _answer_when_done(answers.handle(command, request.path_params["name"]))

    routes = [
        Route("/status", answer_status),
        Route("/metrics", answer_metrics),
        Route("/stop", answer_stop, methods=["POST"]),
        Route("/workflows/{name}", answer_workflow, methods=["POST"]),
        *(Route(f"/services/{{name}}/{command}", answer_service, methods=["POST"]) for command in ServiceCommand),
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


async def _answer_when_done(work: Awaitable[Mapping[str, Any]]) -> JSONResponse:
    try:
        return JSONResponse(dict(await work))
    except NovaflowError as error:
        return JSONResponse({"error": str(error), "exit_code": error.exit_code}, status_code=409)


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
