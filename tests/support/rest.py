"""An HTTP server that records requests and returns prepared responses, and a step's context that uses it as OpenStack's APIs."""

import json
import math
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from novaflow.adapters.local import NodeContext
from novaflow.model.component import Component
from novaflow.model.endpoint import Endpoint
from tests.support.contexts import open_context

SERVICE_TYPES = ("identity", "image", "compute", "network", "block-storage", "placement")


@dataclass(frozen=True, slots=True)
class Request:
    """A request that the server has received; ``body`` is the decoded JSON, or the text if it is none."""

    method: str
    path: str
    body: Any = None
    content_type: str = field(default="", compare=False)


@dataclass
class RestServer:
    """The responses and requests of a server. A request without a prepared response gets 404."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    _responses: dict[tuple[str, str], list[tuple[int, Any]]] = field(default_factory=lambda: defaultdict(list))

    @property
    def url(self) -> str:
        """Return the URL of the server."""
        return f"http://127.0.0.1:{self.port}"

    def respond(self, method: str, path: str, body: object = None, *, status: int = 200) -> None:
        """Prepare one more response to requests for the path; the last one is repeated."""
        self._responses[method, path].append((status, body))

    def bodies(self, method: str, path: str) -> list[Any]:
        """Return the bodies of the requests with this method and path."""
        return [request.body for request in self.requests if (request.method, request.path) == (method, path)]

    def handle(self, request: Request) -> tuple[int, Any]:
        """Record a request and return its status and body."""
        self.requests.append(request)
        responses = self._responses[request.method, request.path] or [(404, {"error": f"no response for {request.path}"})]
        return responses.pop(0) if len(responses) > 1 else responses[0]


class JsonHandler(BaseHTTPRequestHandler):
    """Reads the bodies of requests and sends responses in JSON."""

    def read_body(self) -> bytes:
        """Return the body of the request, which clients send in chunks if it is a file."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def send_json(self, status: int, body: object, **headers: str) -> None:
        """Send a response; an underscore in the name of a header stands for a hyphen."""
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def serving(handler: type[JsonHandler]) -> Iterator[int]:
    """Handle requests in a thread during the block; return the port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@contextmanager
def serve_rest() -> Iterator[RestServer]:
    """Return a server that runs during the block."""
    rest = RestServer()

    class Handler(JsonHandler):
        def do_GET(self) -> None:
            text = self.read_body().decode()
            content_type = self.headers.get("Content-Type", "")
            body = json.loads(text) if "json" in content_type else text or None
            self.send_json(*rest.handle(Request(self.command, self.path, body, content_type)))

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names that http.server calls

    with serving(Handler) as rest.port:
        yield rest


@asynccontextmanager
async def open_cloud_context(root: Path, rest: RestServer, *components: Component, **options: Any) -> AsyncIterator[NodeContext]:
    """Return the context of a step after the login; the server is the API of each service type, below a path of its name."""
    endpoints = Component("apis", "APIs.", declares=tuple(Endpoint(name, rest.port, f"/{name}") for name in SERVICE_TYPES))
    async with open_context(root, endpoints, *components, **options) as ctx:
        ctx.paths.run.mkdir(parents=True, exist_ok=True)
        (ctx.paths.run / "admin-token.json").write_text(json.dumps({"token": "token", "project_id": "project", "renew_at_s": math.inf}))
        yield ctx
