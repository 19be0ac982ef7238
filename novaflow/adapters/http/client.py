"""HTTP requests; the only importer of httpx."""

import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiofiles
import httpx

from novaflow.model.context import HttpResponse
from novaflow.model.probe import NotYet

CHUNK = 1 << 20  # bytes; uploads are images of a few MiB


class HttpClient:
    """Requests to services of the stack; they never use a proxy.

    Over TLS, servers are trusted that an authority of the system has certified, or the one in ``authority``, if the file exists.
    """

    def __init__(self, *, timeout_s: float = 60, socket: Path | None = None, authority: Path | None = None) -> None:
        self._timeout_s, self._authority = timeout_s, authority
        # Without TLS, since loading the certificate authorities takes longer than a request.
        self._plain = self._open(httpx.AsyncHTTPTransport(verify=False, uds=str(socket) if socket else None))
        self._encrypted: httpx.AsyncClient | None = None
        self._trusted = b""

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
            answer = await (await self._client(url)).request(method, url, json=json, content=body, headers=headers)
        except (httpx.TransportError, httpx.DecodingError) as error:
            why = str(error) or type(error).__name__
            raise NotYet(f"{method} {url}: {why}") from error
        return HttpResponse(answer.status_code, dict(answer.headers), _read_json(answer), answer.content)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._plain.aclose()
        if self._encrypted:
            await self._encrypted.aclose()

    async def _client(self, url: str) -> httpx.AsyncClient:
        if not url.startswith("https:"):
            return self._plain
        trusted = self._authority.read_bytes() if self._authority and self._authority.exists() else b""
        if not self._encrypted or trusted != self._trusted:
            if self._encrypted:
                await self._encrypted.aclose()
            context = ssl.create_default_context()
            if trusted:
                context.load_verify_locations(cadata=trusted.decode())
            self._encrypted, self._trusted = self._open(httpx.AsyncHTTPTransport(verify=context)), trusted
        return self._encrypted

    def _open(self, transport: httpx.AsyncHTTPTransport) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=self._timeout_s, transport=transport, trust_env=False)


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
