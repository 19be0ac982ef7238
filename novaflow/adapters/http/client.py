"""HTTP requests; the only importer of httpx."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiofiles
import httpx

from novaflow.model.context import HttpResponse
from novaflow.model.probe import NotYet

CHUNK = 1 << 20  # bytes; uploads are images of a few MiB


class HttpClient:
    """Requests to services of the stack; they never use a proxy."""

    def __init__(self, *, timeout_s: float = 60, socket: Path | None = None) -> None:
        # A socket needs no TLS, and loading the certificate authorities takes longer than the request.
        transport = httpx.AsyncHTTPTransport(verify=socket is None, uds=str(socket) if socket else None, retries=0)
        self._client = httpx.AsyncClient(timeout=timeout_s, transport=transport, trust_env=False)

    async def request(
        self,
        method: str,
        url: str,
        *,
        json: object = None,
        content: bytes | Path | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        """Send one request and return the response, of any status.

        Raises: NotYet, if there is no response.
        """
        body = _read_chunks(content) if isinstance(content, Path) else content
        try:
            answer = await self._client.request(method, url, json=json, content=body, headers=headers)
        except (httpx.TransportError, httpx.DecodingError) as error:
            why = str(error) or type(error).__name__
            raise NotYet(f"{method} {url}: {why}") from error
        return HttpResponse(answer.status_code, dict(answer.headers), _read_json(answer))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _read_json(answer: httpx.Response) -> Any:  # noqa: ANN401 - the decoded body
    """Return the body of a response as JSON; ``None`` if it is not, whatever type the server names."""
    if "json" not in answer.headers.get("content-type", ""):
        return None
    try:
        return answer.json()
    except ValueError:
        return None


async def _read_chunks(path: Path) -> AsyncIterator[bytes]:
    async with aiofiles.open(path, "rb") as source:
        while chunk := await source.read(CHUNK):
            yield chunk
