"""Requests and responses of the S3 protocol."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from .chunk_signatures import ChunkSignatures
from .errors import S3Error

MAX_KEY = 1024  # bytes, S3's limit
# Parameters of signatures, and the name of the operation that some clients add; they do not select an operation.
IGNORED = frozenset({"awsaccesskeyid", "expires", "signature", "x-id"})
HOISTED = "x-amz-", "content-md5", "content-type"  # a presigned address contains headers that begin so as parameters


@dataclass(frozen=True, slots=True)
class Request:
    """A request; ``key`` is empty in a request for a bucket, ``bucket`` is empty in a request for all buckets.

    ``query`` contains what selects or changes the operation. ``headers`` have lower-case names; parameters that begin with
    ``x-amz-`` are among them, because a presigned address contains headers as parameters. Signatures need the request as it was
    sent: the encoded ``path``, all ``parameters`` in order, and ``sent``, the headers without those of parameters.
    ``chunks`` verifies the chunks of the content, if they are signed.
    """

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    input: IO[bytes]
    path: str
    parameters: tuple[tuple[str, str], ...]
    sent: Mapping[str, str]
    chunks: ChunkSignatures | None = None

    @classmethod
    def read(cls, environ: Mapping[str, Any]) -> "Request":
        """Return the request of a WSGI environment; the path is decoded once, from its original form if the server provides it."""
        raw = environ.get("RAW_URI") or quote(environ.get("PATH_INFO", "/").encode("latin-1"))
        path = raw.partition("?")[0] if raw.startswith("/") else urlsplit(raw).path
        try:
            bucket, _, key = unquote(path, errors="strict").removeprefix("/").partition("/")
            parsed = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True, errors="strict")
        except ValueError as error:
            raise S3Error(400, "InvalidURI", "the address is not encoded in UTF-8") from error
        if len(key.encode()) > MAX_KEY:
            raise S3Error(400, "KeyTooLongError", f"the key has {len(key.encode())} bytes, at most {MAX_KEY} are allowed")
        hoisted = {name.lower(): as_header(name, value) for name, value in parsed if name.lower().startswith(HOISTED)}
        query = {name: value for name, value in parsed if name.lower() not in IGNORED | hoisted.keys()}
        sent, method = _headers(environ), environ["REQUEST_METHOD"]
        return cls(method, bucket, key, query, {**hoisted, **sent}, environ["wsgi.input"], path, tuple(parsed), sent)

    @property
    def kind(self) -> str:
        """What the request is for: ``service``, ``bucket`` or ``object``."""
        return "object" if self.key else "bucket" if self.bucket else "service"

    def number(self, name: str, default: int) -> int:
        """Return a parameter that is a number; raise InvalidArgument if it is none, negative or of more than nine digits."""
        text = self.query.get(name, str(default))
        if not re.fullmatch("[0-9]{1,9}", text):
            raise S3Error(400, "InvalidArgument", f"{name} is {text!r}; expected a number")
        return int(text)


@dataclass(frozen=True, slots=True)
class Response:
    """A response; ``body`` is sent block by block, and closed if it has a method ``close``."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Iterable[bytes] = (b"",)


def as_header(name: str, value: str) -> str:
    """Return a parameter as the value of a header, whose bytes WSGI writes as characters; raise InvalidArgument for a line break."""
    if not value.isprintable():
        raise S3Error(400, "InvalidArgument", f"{name} is {value!r}; expected characters that can be printed")
    return value.encode().decode("latin-1")


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    found = {name.removeprefix("HTTP_"): value for name, value in environ.items() if name.startswith("HTTP_")}
    found |= {name: environ[name] for name in ("CONTENT_LENGTH", "CONTENT_TYPE") if environ.get(name)}
    return {name.lower().replace("_", "-"): value for name, value in found.items()}
