"""Multipart uploads: created, filled, listed and aborted; ``completion`` makes the object."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from .body import Body
from .checksums import PREFIX, Verified, Verifier, check_algorithm
from .conditions import byte_range, check_read
from .contents import Content
from .copying import SOURCE, checksum_parts, source_of
from .errors import S3Error, invalid
from .http import Request, Response
from .objects import Details
from .store import Store
from .tags import tags_of
from .uploads import Part, Upload
from .writing import stored_headers, written_headers
from .xml import iso_time, respond

MAX_PARTS = 10000  # S3's limit of an upload
MAX_LISTED = 1000  # S3's limit of one listing
FULL_OBJECT, COMPOSITE = "FULL_OBJECT", "COMPOSITE"


def create_upload(store: Store, request: Request) -> Response:
    """Begin a multipart upload with the headers and the tags of the later object."""
    algorithm = request.headers.get(f"{PREFIX}algorithm", "").lower()
    kind = request.headers.get(f"{PREFIX}type", COMPOSITE if algorithm not in {"", "crc64nvme"} else FULL_OBJECT).upper()
    if kind not in {FULL_OBJECT, COMPOSITE}:
        raise invalid(f"{PREFIX}type is {kind!r}; expected {FULL_OBJECT} or {COMPOSITE}")
    details = Details(stored_headers(request), tags_of(request), checksum_type=kind)
    upload = Upload(request.bucket, request.key, details, check_algorithm(algorithm) if algorithm else "")
    store.uploads.create(upload)
    response = respond("InitiateMultipartUploadResult", (("Bucket", upload.bucket), ("Key", upload.key), ("UploadId", upload.id)))
    chosen = {f"{PREFIX}algorithm": algorithm.upper(), f"{PREFIX}type": kind} if algorithm else {}
    return Response(headers={**response.headers, **chosen}, body=response.body)


def put_part(store: Store, request: Request) -> Response:
    """Store a part of an upload, from the content of the request or from an object."""
    upload = store.uploads.find(request.bucket, request.key, request.query["uploadId"])
    if SOURCE in request.headers:
        with _source(store, request) as source:
            part = _store_part(store, request, upload, source, Verifier({}, algorithm=upload.algorithm))
        parts = ("LastModified", iso_time(part.modified)), ("ETag", f'"{part.etag}"'), *checksum_parts(part.checksums)
        return respond("CopyPartResult", parts)
    part = _store_part(store, request, upload, Body(request), Verifier(request.headers, algorithm=upload.algorithm))
    return Response(headers=written_headers(Verified(part.etag, part.checksums)))


def abort_upload(store: Store, request: Request) -> Response:
    """Delete an upload with its parts."""
    upload = store.uploads.find(request.bucket, request.key, request.query["uploadId"])
    store.contents.remove(*store.uploads.abort(upload.id))
    return Response(204)


def list_parts(store: Store, request: Request) -> Response:
    """List the parts of an upload, in pages."""
    upload = store.uploads.find(request.bucket, request.key, request.query["uploadId"])
    limit, after = min(request.number("max-parts", MAX_LISTED), MAX_LISTED), request.number("part-number-marker", 0)
    rest = [part for part in store.uploads.parts(upload.id) if part.number > after]
    page = rest[:limit]
    parts = ("Bucket", upload.bucket), ("Key", upload.key), ("UploadId", upload.id), ("PartNumberMarker", str(after))
    following = (("NextPartNumberMarker", str(page[-1].number)),) if page else ()
    is_more = ("IsTruncated", "true" if len(rest) > limit else "false")
    checksum = ("ChecksumAlgorithm", upload.algorithm.upper()), ("ChecksumType", upload.details.checksum_type)
    found = (("Part", _describe(part)) for part in page)
    return respond(
        "ListPartsResult", (*parts, *following, ("MaxParts", str(limit)), is_more, *(checksum if upload.algorithm else ()), *found)
    )


def _store_part(store: Store, request: Request, upload: Upload, source: Body | Content, verifier: Verifier) -> Part:
    number = request.number("partNumber", 0)
    if not 1 <= number <= MAX_PARTS:
        raise S3Error(400, "InvalidArgument", f"partNumber is {number}; expected 1 to {MAX_PARTS}")
    with store.space(upload.bucket) as space, store.contents.new() as content:
        size = content.write(space.fill(source), verifier.update)
        verified = verifier.finish(source.trailers if isinstance(source, Body) else {})
        part = Part(number, content.file, size, verified.etag, verified.checksums)
        unused = store.uploads.put_part(upload.id, part)
    store.contents.remove(*unused)
    return part


@contextmanager
def _source(store: Store, request: Request) -> Iterator[Content]:
    found, content = store.open(*source_of(request))
    with closing(content):
        check_read(request.headers, found, f"{SOURCE}-")
        text = request.headers.get(f"{SOURCE}-range", "")
        wanted = byte_range(text, found.size) if text else (0, found.size - 1)
        if wanted is None:
            raise S3Error(400, "InvalidArgument", f"{SOURCE}-range is {text!r}; expected bytes=FIRST-LAST")
        content.select(wanted[0], wanted[1] + 1 - wanted[0])
        yield content


def _describe(part: Part) -> tuple[tuple[str, str], ...]:
    position = ("PartNumber", str(part.number)), ("LastModified", iso_time(part.modified))
    return *position, ("ETag", f'"{part.etag}"'), ("Size", str(part.size)), *checksum_parts(part.checksums)
