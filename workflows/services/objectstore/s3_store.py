"""An object store with the part of the S3 protocol that buckets and objects need; a WSGI application without dependencies.

nova.sh had a similar one. The store of ec2-api reads a whole object into memory, decodes names twice, does not support HEAD,
and answers unsupported requests with "unhandled error". Neither has authentication, and this one has none either.

A bucket is a folder. An object is a file in it, named by its quoted key: no key leads out of its bucket, and the keys "a" and
"a/b" can coexist. The file is copied into the stack, where gunicorn imports it.
"""

import hashlib
import os
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs, quote, unquote

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
BLOCK = 1 << 20  # bytes that are read at once; a whole object is never in memory
MAX_KEYS = 1000  # S3's limit of one listing
MAX_FILE_NAME = 255  # bytes, on every Linux file system
STATUS = {status.value: status.phrase for status in HTTPStatus}


class ClientError(Exception):
    """An error of the client, with S3's status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True, slots=True)
class Request:
    """A request; ``key`` is empty in a request for a bucket, ``bucket`` is empty in a request for all buckets."""

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    environ: Mapping[str, Any]

    @classmethod
    def read(cls, environ: Mapping[str, Any]) -> "Request":
        """Return the request of a WSGI environment; the path is decoded once, from its original form if the server provides it."""
        path = environ.get("RAW_URI", "").partition("?")[0] or quote(environ.get("PATH_INFO", "/").encode("latin-1"))
        bucket, _, key = unquote(path).removeprefix("/").partition("/")
        query = {name: values[-1] for name, values in parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True).items()}
        return cls(environ["REQUEST_METHOD"], bucket, key, query, environ)


@dataclass(frozen=True, slots=True)
class Response:
    """A response; ``body`` is sent block by block."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Iterable[bytes] = ()


class Store:
    """The buckets below one folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._tags: dict[tuple[Path, int, int], str] = {}  # by file, size and change time: each object is hashed once

    def __call__(self, environ: Mapping[str, Any], start: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
        """Handle one request, as WSGI specifies."""
        try:
            response = self._handle(Request.read(environ))
        except ClientError as client_error:
            error = _xml("Error", (("Code", client_error.code), ("Message", client_error.message)), namespace="")
            response = Response(client_error.status, {"Content-Type": "application/xml"}, (error,))
        length = {"Content-Length": str(sum(map(len, response.body)))} if isinstance(response.body, tuple) else {}
        start(f"{response.status} {STATUS[response.status]}", [*{**length, **response.headers}.items()])
        return () if environ["REQUEST_METHOD"] == "HEAD" else response.body

    def _handle(self, request: Request) -> Response:
        kind = "object" if request.key else "bucket" if request.bucket else "service"
        handler = getattr(self, f"_{request.method.lower()}_{kind}", None) if request.method in {"GET", "HEAD", "PUT", "DELETE"} else None
        if handler is None:
            raise ClientError(405, "MethodNotAllowed", f"a {kind} does not support {request.method}")
        response: Response = handler(request)
        return response

    def _get_service(self, _: Request) -> Response:
        found = sorted(self._folder.iterdir())
        buckets = [("Bucket", (("Name", path.name), ("CreationDate", _iso(path.stat().st_mtime)))) for path in found]
        return _xml_response("ListAllMyBucketsResult", (("Buckets", tuple(buckets)),))

    def _put_bucket(self, request: Request) -> Response:
        path = self._bucket_path(request.bucket)
        if path.exists():
            raise ClientError(409, "BucketAlreadyOwnedByYou", f"bucket {request.bucket} already exists")
        path.mkdir()
        return Response(headers={"Location": f"/{request.bucket}"}, body=(b"",))

    def _head_bucket(self, request: Request) -> Response:
        self._bucket(request)
        return Response(body=(b"",))

    def _delete_bucket(self, request: Request) -> Response:
        path = self._bucket(request)
        if any(path.iterdir()):
            raise ClientError(409, "BucketNotEmpty", f"bucket {request.bucket} contains objects")
        path.rmdir()
        return Response(204)

    def _get_bucket(self, request: Request) -> Response:
        """List objects, in both versions of S3: a ``marker``, or ``start-after`` and a token, is the start of a page."""
        query, path = request.query, self._bucket(request)
        if "location" in query:
            return _xml_response("LocationConstraint", ())
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        after = query.get("continuation-token") or query.get("start-after") or query.get("marker") or ""
        limit = min(_number(query.get("max-keys", str(MAX_KEYS))), MAX_KEYS)
        names = sorted(key for key in map(_key_of, path.iterdir()) if key.startswith(prefix))
        # Keys with the same prefix up to the delimiter are listed once; the last name of a page is the start of the next.
        shown: dict[str, bool] = {}
        for key in names:
            head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            shown.setdefault(prefix + head + found if found else key, bool(found))
        rest = [name for name in shown if name > after]
        page, is_more = rest[:limit], len(rest) > limit
        code: Callable[[str], str] = quote if query.get("encoding-type") == "url" else str
        parts: list[tuple[str, Any]] = [
            ("Name", request.bucket),
            ("Prefix", code(prefix)),
            ("MaxKeys", str(limit)),
            ("KeyCount", str(len(page))),
        ]
        parts += [("Delimiter", code(delimiter))] if delimiter else []
        parts += [("EncodingType", "url")] if code is quote else []
        parts += [("IsTruncated", "true" if is_more else "false")]
        parts += [("NextContinuationToken", page[-1]), ("NextMarker", code(page[-1]))] if is_more and page else []
        parts += [("Contents", self._describe(path / _file_of(name), code(name))) for name in page if not shown[name]]
        parts += [("CommonPrefixes", (("Prefix", code(name)),)) for name in page if shown[name]]
        return _xml_response("ListBucketResult", tuple(parts))

    def _put_object(self, request: Request) -> Response:
        """Store an object; if the upload fails, the old object is unchanged."""
        path = self._object_path(request)
        if "HTTP_X_AMZ_COPY_SOURCE" in request.environ or {"uploadId", "partNumber"} & request.query.keys():
            raise ClientError(501, "NotImplemented", "an object must be uploaded in one part, with its content")
        length = _number(request.environ.get("CONTENT_LENGTH") or "0")
        file = tempfile.NamedTemporaryFile(dir=self._folder.parent, delete=False)  # noqa: SIM115 - it becomes the object
        try:
            with file:
                tag = _receive(request.environ["wsgi.input"], file, length)
            Path(file.name).rename(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
        return Response(headers={"ETag": f'"{tag}"'}, body=(b"",))

    def _get_object(self, request: Request) -> Response:
        path = self._object(request)
        size = path.stat().st_size
        first, last, status = _range(request.environ.get("HTTP_RANGE", ""), size)
        headers = {"Content-Length": str(last + 1 - first), "Content-Type": "binary/octet-stream", "ETag": f'"{self._tag(path)}"'}
        headers |= {"Last-Modified": formatdate(path.stat().st_mtime, usegmt=True), "Accept-Ranges": "bytes"}
        if status == 206:  # noqa: PLR2004 - a part of it
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        return Response(status, headers, _send(path, first, last + 1 - first))

    _head_object = _get_object

    def _delete_object(self, request: Request) -> Response:
        # As in S3, deleting an object that does not exist succeeds.
        self._object_path(request).unlink(missing_ok=True)
        return Response(204)

    def _bucket_path(self, name: str) -> Path:
        if not 3 <= len(name) <= 63 or not set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-_") or name[0] in ".-":  # noqa: PLR2004 - S3's
            raise ClientError(
                400, "InvalidBucketName", "a bucket name has 3 to 63 lowercase letters, digits, dots, hyphens and underscores"
            )
        return self._folder / name

    def _bucket(self, request: Request) -> Path:
        path = self._bucket_path(request.bucket)
        if not path.is_dir():
            raise ClientError(404, "NoSuchBucket", f"bucket {request.bucket} does not exist")
        return path

    def _object_path(self, request: Request) -> Path:
        name = _file_of(request.key)
        if len(name) > MAX_FILE_NAME:
            raise ClientError(400, "KeyTooLongError", f"the quoted key has {len(name)} bytes, at most {MAX_FILE_NAME} are allowed")
        return self._bucket(request) / name

    def _object(self, request: Request) -> Path:
        path = self._object_path(request)
        if not path.is_file():
            raise ClientError(404, "NoSuchKey", f"object {request.key} does not exist")
        return path

    def _tag(self, path: Path) -> str:
        known = path.stat()
        state = (path, known.st_size, known.st_mtime_ns)
        if state not in self._tags:
            with path.open("rb") as file:
                self._tags[state] = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        return self._tags[state]

    def _describe(self, path: Path, key: str) -> tuple[tuple[str, str], ...]:
        known = path.stat()
        size = ("Size", str(known.st_size))
        return ("Key", key), ("LastModified", _iso(known.st_mtime)), ("ETag", f'"{self._tag(path)}"'), size, ("StorageClass", "STANDARD")


def _file_of(key: str) -> str:
    # Dots are quoted too, because "." and ".." are no file names.
    return quote(key, safe="").replace(".", "%2E")


def _key_of(path: Path) -> str:
    return unquote(path.name)


def _number(text: str) -> int:
    with suppress(ValueError):
        if (number := int(text)) >= 0:
            return number
    raise ClientError(400, "InvalidArgument", f"{text!r} is not a number")


def _range(text: str, size: int) -> tuple[int, int, int]:
    """Return the first and the last byte of a range, and the status of the response."""
    if not text.startswith("bytes=") or "," in text:
        return 0, size - 1, 200
    begin, _, end = text.removeprefix("bytes=").partition("-")
    first = max(0, size - _number(end)) if not begin else _number(begin)
    last = min(_number(end), size - 1) if begin and end else size - 1
    if first > last:
        raise ClientError(416, "InvalidRange", f"the object has {size} bytes")
    return first, last, 206


def _receive(source: IO[bytes], target: IO[bytes], length: int) -> str:
    """Copy ``length`` bytes and return their hash, which is the entity tag."""
    tag = hashlib.md5(usedforsecurity=False)
    while length:
        block = source.read(min(BLOCK, length))
        if not block:
            raise ClientError(400, "IncompleteBody", f"{length} bytes are missing")
        length -= len(block)
        tag.update(block)
        target.write(block)
    return tag.hexdigest()


def _send(path: Path, first: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        while length and (block := file.read(min(BLOCK, length))):
            length -= len(block)
            yield block


def _iso(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _xml_response(name: str, parts: tuple[tuple[str, Any], ...]) -> Response:
    return Response(headers={"Content-Type": "application/xml"}, body=(_xml(name, parts, namespace=NAMESPACE),))


def _xml(name: str, parts: tuple[tuple[str, Any], ...], *, namespace: str) -> bytes:
    root = ET.Element(name, {"xmlns": namespace} if namespace else {})
    _fill(root, parts)
    encoded: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return encoded


def _fill(parent: ET.Element, parts: tuple[tuple[str, Any], ...]) -> None:
    for name, value in parts:
        child = ET.SubElement(parent, name)
        if isinstance(value, str):
            child.text = value
        else:
            _fill(child, value)


def application() -> Store:
    """Return the store of the folder in the environment variable BUCKETS."""
    return Store(Path(os.environ["BUCKETS"]))  # noqa: TID251 - gunicorn passes no arguments
