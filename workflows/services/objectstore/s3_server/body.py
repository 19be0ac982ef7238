"""The content of a request: as it is, in chunks of HTTP, or in the chunks of ``aws-chunked`` with trailers."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import IO

from .checksums import Verifier
from .errors import S3Error, invalid
from .http import Request

BLOCK = 1 << 20  # bytes that are read at once; a whole object is never in memory
MAX_LINE = 8192  # bytes of the size of a chunk with its signature, or of a trailer
MAX_DOCUMENT = 4 << 20  # bytes; 1000 keys of 1024 bytes in XML, with some characters as references


class Body:
    """The decoded content of a request, which can be read once; ``trailers`` are known afterwards."""

    def __init__(self, request: Request) -> None:
        self._input, self._headers, self._signatures = request.input, request.headers, request.chunks
        self.trailers: dict[str, str] = {}

    def __iter__(self) -> Iterator[bytes]:
        """Yield the content in blocks; raise IncompleteBody if it is shorter or longer than announced."""
        if is_aws_chunked(self._headers):
            yield from _of_length(self._read_aws_chunks(), self.length or 0)
        elif self.length is None:
            yield from iter(lambda: self._input.read(BLOCK), b"")
        else:
            yield from _of_length(read_exactly(self._input, self.length), self.length)

    @property
    def length(self) -> int | None:
        """The announced length of the content in bytes; ``None`` in a request in chunks of HTTP, which announces none."""
        if is_aws_chunked(self._headers):
            return _length(self._headers, "x-amz-decoded-content-length")
        if "chunked" in self._headers.get("transfer-encoding", "").lower():
            return None
        return _length(self._headers, "content-length") if "content-length" in self._headers else 0

    def _read_aws_chunks(self) -> Iterator[bytes]:
        # A chunk: its size in hexadecimal, perhaps ";chunk-signature=...", CRLF, content, CRLF. The last one has size 0.
        size = -1
        while size:
            text, _, extension = self._read_line().partition(";")
            size = _chunk_size(text)
            yield from self._read_chunk(size, extension)
            if size and self._read_line():
                raise invalid("a chunk is longer than its size")
        while line := self._read_line(may_end=True):
            name, _, value = line.partition(":")
            self.trailers[name.strip().lower()] = value.strip()
        if self._signatures:
            self._signatures.check_trailers(self.trailers)

    def _read_chunk(self, size: int, extension: str) -> Iterator[bytes]:
        """Yield the content of a chunk; what is yielded is only stored if its signature, which is verified at the end, is right."""
        digest = hashlib.sha256()
        for block in read_exactly(self._input, size):
            if self._signatures:
                digest.update(block)
            yield block
        if self._signatures:
            self._signatures.check_chunk(digest.hexdigest(), extension)

    def _read_line(self, *, may_end: bool = False) -> str:
        line = self._input.readline(MAX_LINE)
        if not line.endswith(b"\n") and not (may_end and not line):
            raise S3Error(400, "IncompleteBody", "the content ends inside a chunk, or a chunk has no size")
        return line.decode("latin-1").strip()


def is_aws_chunked(headers: Mapping[str, str]) -> bool:
    """Return whether the content is encoded in the chunks of S3's clients."""
    encodings = [word.strip() for word in headers.get("content-encoding", "").lower().split(",")]
    return headers.get("x-amz-content-sha256", "").startswith("STREAMING-") or "aws-chunked" in encodings


def read_document(request: Request, *, announced: Mapping[str, str] | None = None) -> bytes:
    """Return a content that is an XML document; its checksums are verified, which are in ``announced`` or in the headers."""
    body, verifier, document = Body(request), Verifier(request.headers if announced is None else announced), b""
    for block in body:
        verifier.update(block)
        document += block
        if len(document) > MAX_DOCUMENT:
            raise S3Error(400, "MaxMessageLengthExceeded", f"the document has more than {MAX_DOCUMENT} bytes")
    verifier.finish(body.trailers)
    return document


def _of_length(blocks: Iterator[bytes], length: int) -> Iterator[bytes]:
    found = 0
    for block in blocks:
        found += len(block)
        yield block
    if found != length:
        raise S3Error(400, "IncompleteBody", f"the content has {found} bytes; {length} were announced")


def read_exactly(source: IO[bytes], length: int) -> Iterator[bytes]:
    """Yield ``length`` bytes in blocks, fewer if there are no more."""
    while length and (block := source.read(min(BLOCK, length))):
        length -= len(block)
        yield block


def _chunk_size(size: str) -> int:
    if not re.fullmatch("[0-9a-fA-F]{1,16}", size):
        raise invalid(f"{size[:80]!r} is not the size of a chunk")
    return int(size, 16)


def _length(headers: Mapping[str, str], name: str) -> int:
    text = headers.get(name, "")
    if not text:
        raise S3Error(411, "MissingContentLength", f"the header {name} is missing")
    if not re.fullmatch("[0-9]{1,18}", text):
        raise S3Error(400, "InvalidArgument", f"{name} is {text!r}; expected a number")
    return int(text)
