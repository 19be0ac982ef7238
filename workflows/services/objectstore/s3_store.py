"""An object store that speaks enough of S3 for buckets and objects; as a WSGI application of the standard library alone.

nova.sh had one like it. ec2-api's own holds a whole object in memory, reads names twice decoded, knows no HEAD, and
answers what it does not understand with "unhandled error". Like both, this one asks nobody who they are.

A bucket is a folder, an object one file in it, named by its quoted key: no key can lead out of its bucket, and "a" and
"a/b" can be had together. This file is copied into the stack; gunicorn reads it there.
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
BLOCK = 1 << 20  # bytes read at once: an object is never in memory as a whole
MOST_KEYS = 1000  # in one listing, as S3 has it
LONGEST_FILE_NAME = 255  # bytes, of every Linux file system
STATUS = {status.value: status.phrase for status in HTTPStatus}


class Refusal(Exception):
    """What a client did wrong, in S3's words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True, slots=True)
class Request:
    """One request: ``key`` is empty where a bucket is meant, and so is ``bucket`` where all of them are."""

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    environ: Mapping[str, Any]

    @classmethod
    def read(cls, environ: Mapping[str, Any]) -> "Request":
        """Return what WSGI received; the path as it was sent, where the server tells it, is decoded once."""
        sent = environ.get("RAW_URI", "").partition("?")[0] or quote(environ.get("PATH_INFO", "/").encode("latin-1"))
        bucket, _, key = unquote(sent).removeprefix("/").partition("/")
        query = {name: values[-1] for name, values in parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True).items()}
        return cls(environ["REQUEST_METHOD"], bucket, key, query, environ)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; ``body`` is sent block by block."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Iterable[bytes] = ()


class Store:
    """The buckets below one folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._tags: dict[tuple[Path, int, int], str] = {}  # by file, size and age: an object is read for its tag once

    def __call__(self, environ: Mapping[str, Any], start: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
        """Answer one request, as WSGI asks."""
        try:
            answer = self._answer(Request.read(environ))
        except Refusal as refusal:
            error = _xml("Error", (("Code", refusal.code), ("Message", refusal.message)), namespace="")
            answer = Answer(refusal.status, {"Content-Type": "application/xml"}, (error,))
        length = {"Content-Length": str(sum(map(len, answer.body)))} if isinstance(answer.body, tuple) else {}
        start(f"{answer.status} {STATUS[answer.status]}", [*{**length, **answer.headers}.items()])
        return () if environ["REQUEST_METHOD"] == "HEAD" else answer.body

    def _answer(self, request: Request) -> Answer:
        kind = "object" if request.key else "bucket" if request.bucket else "service"
        todo = getattr(self, f"_{request.method.lower()}_{kind}", None) if request.method in {"GET", "HEAD", "PUT", "DELETE"} else None
        if todo is None:
            raise Refusal(405, "MethodNotAllowed", f"{request.method} is not for a {kind}")
        answer: Answer = todo(request)
        return answer

    def _get_service(self, _: Request) -> Answer:
        found = sorted(self._folder.iterdir())
        buckets = [("Bucket", (("Name", path.name), ("CreationDate", _iso(path.stat().st_mtime)))) for path in found]
        return _xml_answer("ListAllMyBucketsResult", (("Buckets", tuple(buckets)),))

    def _put_bucket(self, request: Request) -> Answer:
        path = self._bucket_path(request.bucket)
        if path.exists():
            raise Refusal(409, "BucketAlreadyOwnedByYou", f"bucket {request.bucket} is there already")
        path.mkdir()
        return Answer(headers={"Location": f"/{request.bucket}"}, body=(b"",))

    def _head_bucket(self, request: Request) -> Answer:
        self._bucket(request)
        return Answer(body=(b"",))

    def _delete_bucket(self, request: Request) -> Answer:
        path = self._bucket(request)
        if any(path.iterdir()):
            raise Refusal(409, "BucketNotEmpty", f"bucket {request.bucket} holds objects")
        path.rmdir()
        return Answer(204)

    def _get_bucket(self, request: Request) -> Answer:
        """List objects, in both of S3's ways: ``marker`` or ``start-after`` and a token say where to go on."""
        query, path = request.query, self._bucket(request)
        if "location" in query:
            return _xml_answer("LocationConstraint", ())
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        after = query.get("continuation-token") or query.get("start-after") or query.get("marker") or ""
        most = min(_number(query.get("max-keys", str(MOST_KEYS))), MOST_KEYS)
        names = sorted(key for key in map(_key_of, path.iterdir()) if key.startswith(prefix))
        # What shares a beginning up to the delimiter is listed once; the last one listed is where to go on.
        shown: dict[str, bool] = {}
        for key in names:
            head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            shown.setdefault(prefix + head + found if found else key, bool(found))
        rest = [name for name in shown if name > after]
        page, is_more = rest[:most], len(rest) > most
        code: Callable[[str], str] = quote if query.get("encoding-type") == "url" else str
        parts: list[tuple[str, Any]] = [
            ("Name", request.bucket),
            ("Prefix", code(prefix)),
            ("MaxKeys", str(most)),
            ("KeyCount", str(len(page))),
        ]
        parts += [("Delimiter", code(delimiter))] if delimiter else []
        parts += [("EncodingType", "url")] if code is quote else []
        parts += [("IsTruncated", "true" if is_more else "false")]
        parts += [("NextContinuationToken", page[-1]), ("NextMarker", code(page[-1]))] if is_more and page else []
        parts += [("Contents", self._describe(path / _file_of(name), code(name))) for name in page if not shown[name]]
        parts += [("CommonPrefixes", (("Prefix", code(name)),)) for name in page if shown[name]]
        return _xml_answer("ListBucketResult", tuple(parts))

    def _put_object(self, request: Request) -> Answer:
        """Keep an object: whole, or as it was before."""
        path = self._object_path(request)
        if "HTTP_X_AMZ_COPY_SOURCE" in request.environ or {"uploadId", "partNumber"} & request.query.keys():
            raise Refusal(501, "NotImplemented", "an object is put in one piece, by its content")
        length = _number(request.environ.get("CONTENT_LENGTH") or "0")
        kept = tempfile.NamedTemporaryFile(dir=self._folder.parent, delete=False)  # noqa: SIM115 - it becomes the object
        try:
            with kept:
                tag = _receive(request.environ["wsgi.input"], kept, length)
            Path(kept.name).rename(path)
        except BaseException:
            Path(kept.name).unlink(missing_ok=True)
            raise
        return Answer(headers={"ETag": f'"{tag}"'}, body=(b"",))

    def _get_object(self, request: Request) -> Answer:
        path = self._object(request)
        size = path.stat().st_size
        first, last, status = _range(request.environ.get("HTTP_RANGE", ""), size)
        headers = {"Content-Length": str(last + 1 - first), "Content-Type": "binary/octet-stream", "ETag": f'"{self._tag(path)}"'}
        headers |= {"Last-Modified": formatdate(path.stat().st_mtime, usegmt=True), "Accept-Ranges": "bytes"}
        if status == 206:  # noqa: PLR2004 - a part of it
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        return Answer(status, headers, _send(path, first, last + 1 - first))

    _head_object = _get_object

    def _delete_object(self, request: Request) -> Answer:
        # What is not there is gone: S3 says so as well.
        self._object_path(request).unlink(missing_ok=True)
        return Answer(204)

    def _bucket_path(self, name: str) -> Path:
        if not 3 <= len(name) <= 63 or not set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-_") or name[0] in ".-":  # noqa: PLR2004 - S3's
            raise Refusal(400, "InvalidBucketName", "a bucket is named with 3 to 63 small letters, digits, dots and hyphens")
        return self._folder / name

    def _bucket(self, request: Request) -> Path:
        path = self._bucket_path(request.bucket)
        if not path.is_dir():
            raise Refusal(404, "NoSuchBucket", f"there is no bucket {request.bucket}")
        return path

    def _object_path(self, request: Request) -> Path:
        name = _file_of(request.key)
        if len(name) > LONGEST_FILE_NAME:
            raise Refusal(400, "KeyTooLongError", f"the key takes {len(name)} bytes, {LONGEST_FILE_NAME} are possible")
        return self._bucket(request) / name

    def _object(self, request: Request) -> Path:
        path = self._object_path(request)
        if not path.is_file():
            raise Refusal(404, "NoSuchKey", f"there is no object {request.key}")
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
    # "." is quoted too: no key is a file name that means something else.
    return quote(key, safe="").replace(".", "%2E")


def _key_of(path: Path) -> str:
    return unquote(path.name)


def _number(text: str) -> int:
    with suppress(ValueError):
        if (number := int(text)) >= 0:
            return number
    raise Refusal(400, "InvalidArgument", f"{text!r} is no number")


def _range(text: str, size: int) -> tuple[int, int, int]:
    """Return the first and the last byte wanted, and the status of such an answer."""
    if not text.startswith("bytes=") or "," in text:
        return 0, size - 1, 200
    begin, _, end = text.removeprefix("bytes=").partition("-")
    first = max(0, size - _number(end)) if not begin else _number(begin)
    last = min(_number(end), size - 1) if begin and end else size - 1
    if first > last:
        raise Refusal(416, "InvalidRange", f"the object has {size} bytes")
    return first, last, 206


def _receive(source: IO[bytes], target: IO[bytes], length: int) -> str:
    """Take ``length`` bytes and return their hash, which S3 calls a tag."""
    tag = hashlib.md5(usedforsecurity=False)
    while length:
        block = source.read(min(BLOCK, length))
        if not block:
            raise Refusal(400, "IncompleteBody", f"{length} bytes of it never came")
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


def _xml_answer(name: str, parts: tuple[tuple[str, Any], ...]) -> Answer:
    return Answer(headers={"Content-Type": "application/xml"}, body=(_xml(name, parts, namespace=NAMESPACE),))


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
    """Return the store of the folder that the environment names."""
    return Store(Path(os.environ["BUCKETS"]))  # noqa: TID251 - the one thing gunicorn can be told
