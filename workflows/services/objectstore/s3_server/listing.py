"""Listings of objects, in both versions of S3, and of uploads."""

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote

from .errors import S3Error
from .http import Request, Response
from .objects import StoredObject
from .store import Store
from .xml import Parts, iso_time, respond

MAX_KEYS = 1000  # S3's limit of one listing


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in a listing: that of an object, or a prefix that several objects have in common."""

    name: str
    found: StoredObject | None = None


def list_objects(store: Store, request: Request) -> Response:
    """List objects from a ``marker``, or in version 2 from ``start-after`` or a token; with a delimiter, prefixes are listed once."""
    store.objects.check_bucket(request.bucket)
    query, version = request.query, request.query.get("list-type", "1")
    if version not in {"1", "2"} or query.get("encoding-type", "url") != "url":
        raise S3Error(400, "InvalidArgument", "list-type is 1 or 2, and encoding-type is url")
    prefix, delimiter, limit = query.get("prefix", ""), query.get("delimiter", ""), min(request.number("max-keys", MAX_KEYS), MAX_KEYS)
    after = _start(request) if version == "2" else query.get("marker", "")
    found = list(islice(_walk(store, request.bucket, prefix, delimiter, after), limit + 1)) if limit else []
    page, code = found[:limit], _code(request)
    parts = [("Name", request.bucket), ("Prefix", code(prefix)), ("MaxKeys", str(limit))]
    parts += [("Delimiter", code(delimiter))] if delimiter else []
    parts += [("EncodingType", "url")] if "encoding-type" in query else []
    parts += [("IsTruncated", "true" if len(found) > limit else "false")]
    parts += _position(request, version, page, is_more=len(found) > limit)
    owners = (owner(store),) if version == "1" or query.get("fetch-owner") == "true" else ()
    contents = [("Contents", (*_describe(code(entry.name), entry.found), *owners)) for entry in page if entry.found]
    prefixes = [("CommonPrefixes", (("Prefix", code(entry.name)),)) for entry in page if not entry.found]
    return respond("ListBucketResult", (*parts, *contents, *prefixes))


def list_uploads(store: Store, request: Request) -> Response:
    """List the multipart uploads that are neither completed nor aborted."""
    store.objects.check_bucket(request.bucket)
    limit, code, prefix = min(request.number("max-uploads", MAX_KEYS), MAX_KEYS), _code(request), request.query.get("prefix", "")
    # Without an id, a marker is after all uploads of its key.
    marker = request.query.get("key-marker", ""), request.query.get("upload-id-marker", "\U0010ffff")
    found = store.uploads.walk(request.bucket, prefix, marker, limit + 1)
    page = found[:limit]
    parts: list[tuple[str, object]] = [("Bucket", request.bucket), ("Prefix", code(prefix)), ("MaxUploads", str(limit))]
    parts += [("KeyMarker", code(marker[0])), ("UploadIdMarker", request.query.get("upload-id-marker", ""))]
    parts += [("EncodingType", "url")] if "encoding-type" in request.query else []
    parts += [("NextKeyMarker", code(page[-1].key)), ("NextUploadIdMarker", page[-1].id)] if page else []
    parts += [("IsTruncated", "true" if len(found) > limit else "false")]
    parts += [
        ("Upload", (("Key", code(one.key)), ("UploadId", one.id), owner(store), ("Initiated", iso_time(one.created)))) for one in page
    ]
    return respond("ListMultipartUploadsResult", tuple(parts))


def owner(store: Store) -> tuple[str, Parts]:
    """Return the part of a document that names the owner: the project that may use the bucket."""
    return "Owner", (("ID", store.project), ("DisplayName", store.project))


def _walk(store: Store, bucket: str, prefix: str, delimiter: str, after: str) -> Iterator[Entry]:
    """Yield the entries after the name ``after``, in order."""
    first, end = prefix.encode(), _end(prefix.encode())
    if after:
        group = _group(after, prefix, delimiter)
        first = max(first, _end(group.encode()) if group else after.encode() + b"\0")
    while True:
        for found in store.objects.walk(bucket, first, end):
            group = _group(found.key, prefix, delimiter)
            if group:
                yield Entry(group)
                first = _end(group.encode())
                break  # the others with this prefix are not read
            yield Entry(found.key, found)
        else:
            return


def _group(key: str, prefix: str, delimiter: str) -> str:
    """Return the common prefix in which a key is listed, empty if it is listed itself."""
    if not delimiter or not key.startswith(prefix):
        return ""
    head, found, _ = key.removeprefix(prefix).partition(delimiter)
    return prefix + head + found if found else ""


def _end(prefix: bytes) -> bytes:
    """Return what follows all keys with a prefix; no byte of UTF-8 is 255."""
    return prefix[:-1] + bytes([prefix[-1] + 1]) if prefix else b"\xff"


def _start(request: Request) -> str:
    token = request.query.get("continuation-token", "")
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode() if token else request.query.get("start-after", "")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise S3Error(400, "InvalidArgument", f"the continuation token {token!r} is not one of a listing") from error


def _position(request: Request, version: str, page: list[Entry], *, is_more: bool) -> list[tuple[str, str]]:
    code, last = _code(request), page[-1].name if page and is_more else ""
    if version == "1":
        return [("Marker", code(request.query.get("marker", ""))), *([("NextMarker", code(last))] if last else [])]
    echoed = [("ContinuationToken", request.query["continuation-token"])] if "continuation-token" in request.query else []
    echoed += [("StartAfter", code(request.query["start-after"]))] if "start-after" in request.query else []
    token = [("NextContinuationToken", base64.urlsafe_b64encode(last.encode()).decode())] if last else []
    return [("KeyCount", str(len(page))), *echoed, *token]


def _code(request: Request) -> Callable[[str], str]:
    return quote if request.query.get("encoding-type") == "url" else str


def _describe(key: str, found: StoredObject) -> Parts:
    known = ("Key", key), ("LastModified", iso_time(found.modified)), ("ETag", f'"{found.etag}"'), ("Size", str(found.size))
    return *known, ("StorageClass", "STANDARD")
