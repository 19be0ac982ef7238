"""The supervisor's Unix socket: HTTP, so that `curl --unix-socket` speaks it too."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from novaflow.adapters.http import HttpClient
from novaflow.errors import NovaflowError, UsageError
from novaflow.model.component import Answer
from novaflow.model.probe import NotYet

Ask = Callable[[], Mapping[str, Any]]
Conduct = Callable[[str], Awaitable[Mapping[str, Any]]]


@asynccontextmanager
async def serving(socket: Path, *, status: Ask, stop: Callable[[str], None], conduct: Conduct) -> AsyncIterator[None]:
    """Answer on the socket as long as the block lasts.

    ``GET /status`` returns ``status()``, ``POST /stop`` asks for an orderly end, ``POST /workflows/NAME`` runs a workflow
    beside the one that is up and answers with ``conduct(name)`` when it is done.
    """

    async def answer_status(_: Request) -> JSONResponse:
        return JSONResponse(dict(status()))

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
        Route("/stop", answer_stop, methods=["POST"]),
        Route("/workflows/{name}", answer_workflow, methods=["POST"]),
    ]
    socket.unlink(missing_ok=True)
    config = uvicorn.Config(Starlette(routes=routes), uds=str(socket), log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1)
    server = _QuietServer(config)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve)
        try:
            yield
        finally:
            server.should_exit = True
    socket.unlink(missing_ok=True)


class _QuietServer(uvicorn.Server):
    """A server that leaves signals alone: the supervisor handles them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing."""
        yield


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

    async def conduct(self, workflow: str) -> Mapping[str, Any]:
        """Run a workflow in the supervisor and return its result.

        Raises: UsageError, if no supervisor answers, or it refuses.
        """
        try:
            answer = await self._ask("POST", f"/workflows/{workflow}", timeout_s=3600)
        except NotYet as error:
            message = f"the stack is not up ({error}); bring it up with `novaflow up`"
            raise UsageError(message) from error
        if answer.status != 200:
            raise UsageError(answer.json["error"])
        return dict(answer.json)

    async def _ask(self, method: str, path: str, *, timeout_s: float) -> Answer:
        client = HttpClient(timeout_s=timeout_s, socket=self._socket)
        try:
            return await client.request(method, f"http://supervisor{path}")
        finally:
            await client.aclose()
