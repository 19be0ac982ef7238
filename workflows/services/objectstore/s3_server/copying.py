"""Copies of objects."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote_to_bytes

from .checksums import Verifier
from .conditions import check_read, check_write
from .errors import S3Error, invalid, not_implemented
from .http import Request, Response
from .objects import Details, StoredObject
from .store import Store
from .tags import tags_of
from .writing import stored_headers
from .xml import iso_time, respond

SOURCE = "x-amz-copy-source"


def copy_object(store: Store, request: Request) -> Response:
    """Store a copy of an object; with the directive REPLACE it has the headers or the tags of the request."""
    store.objects.check_bucket(request.bucket)
    source = source_of(request)
    with store.space(request.bucket) as space, store.copy(*source) as (found, file):
        check_read(request.headers, found, f"{SOURCE}-")
        is_change = _replaces(request.headers, "metadata") or _replaces(request.headers, "tagging")
        if source == (request.bucket, request.key) and not is_change:
            raise invalid("a copy of an object to itself must replace its metadata or its tags")
        details = _with_checksum(store, file, _details(request, found.details), request.headers.get("x-amz-checksum-algorithm", "").lower())
        new = StoredObject(request.key, file, found.size, found.etag, details)
        unused = store.objects.put(request.bucket, new, lambda old: check_write(request.headers, request.key, old), space=space)
    store.contents.remove(*unused)
    known = ("LastModified", iso_time(new.modified)), ("ETag", f'"{new.etag}"')
    return respond("CopyObjectResult", (*known, *checksum_parts(details.checksums)))


def source_of(request: Request) -> tuple[str, str]:
    """Return the bucket and the key of the source of a copy."""
    name, _, version = request.headers[SOURCE].partition("?versionId=")
    if version:
        raise not_implemented("copying a version of an object")
    try:
        bucket, _, key = unquote_to_bytes(name.encode("latin-1")).decode().removeprefix("/").partition("/")
    except UnicodeDecodeError:
        bucket = key = ""
    if not bucket or not key:
        raise S3Error(400, "InvalidArgument", f"{SOURCE} is {name!r}; expected /BUCKET/KEY")
    return bucket, key


def checksum_parts(checksums: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the checksums as parts of a document."""
    return tuple((f"Checksum{name.upper()}", value) for name, value in checksums.items())


def _replaces(headers: Mapping[str, str], what: str) -> bool:
    directive = headers.get(f"x-amz-{what}-directive", "COPY").upper()
    if directive not in {"COPY", "REPLACE"}:
        raise S3Error(400, "InvalidArgument", f"x-amz-{what}-directive is {directive!r}; expected COPY or REPLACE")
    return directive == "REPLACE"


def _details(request: Request, source: Details) -> Details:
    headers = stored_headers(request) if _replaces(request.headers, "metadata") else source.headers
    return replace(source, headers=headers, tags=tags_of(request) if _replaces(request.headers, "tagging") else source.tags)


def _with_checksum(store: Store, file: str, details: Details, algorithm: str) -> Details:
    if not algorithm or algorithm in details.checksums:
        return details
    verifier = Verifier({}, algorithm=algorithm)
    for block in store.contents.open(file):
        verifier.update(block)
    return replace(details, checksums=verifier.finish({}).checksums, checksum_type="FULL_OBJECT")
