"""Uploads of whole objects, and deletions."""

from collections.abc import Mapping

from .body import Body, read_document
from .checksums import PREFIX, Verified, Verifier
from .conditions import check_write
from .errors import S3Error, not_implemented
from .http import Request, Response
from .objects import Details, StoredObject
from .store import Store
from .tags import tags_of
from .xml import parse, respond

STORED = ("cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires")
METADATA = "x-amz-meta-"
MAX_METADATA = 2048  # bytes, S3's limit
MAX_DELETIONS = 1000  # S3's limit of one request


def put_object(store: Store, request: Request) -> Response:
    """Store an object; if the upload fails, the old object is unchanged."""
    store.objects.check_bucket(request.bucket)
    body, verifier = Body(request), Verifier(request.headers, algorithm=request.headers.get("x-amz-sdk-checksum-algorithm", ""))
    headers, tags = stored_headers(request), tags_of(request)
    with store.space(request.bucket) as space, store.contents.new() as content:
        size = content.write(space.fill(body), verifier.update)
        verified = verifier.finish(body.trailers)
        details = Details(headers, tags, verified.checksums)
        new = StoredObject(request.key, content.file, size, verified.etag, details)
        unused = store.objects.put(request.bucket, new, lambda old: check_write(request.headers, request.key, old))
    store.contents.remove(*unused)
    return Response(headers=written_headers(verified))


def delete_object(store: Store, request: Request) -> Response:
    """Delete an object; as in S3, deleting one that does not exist succeeds."""
    store.contents.remove(*store.objects.delete(request.bucket, request.key, lambda old: check_write(request.headers, request.key, old)))
    return Response(204)


def delete_objects(store: Store, request: Request) -> Response:
    """Delete up to 1000 objects; each is reported, in a quiet request only those that failed."""
    store.objects.check_bucket(request.bucket)
    document = parse(read_document(request), "Delete")
    entries = [{child.tag: child.text or "" for child in entry} for entry in document.iterfind("Object")]
    if not 1 <= len(entries) <= MAX_DELETIONS or not all(entry.get("Key") for entry in entries):
        raise S3Error(400, "MalformedXML", f"found {len(entries)} objects; expected 1 to {MAX_DELETIONS}, each with a key")
    quiet = document.findtext("Quiet", "").strip().lower() == "true"
    results = [_delete(store, request.bucket, entry) for entry in entries]
    return respond("DeleteResult", tuple(result for result in results if not quiet or result[0] == "Error"))


def stored_headers(request: Request) -> dict[str, str]:
    """Return the headers that are stored with an object; raise MetadataTooLarge."""
    metadata = {name: value for name, value in request.headers.items() if name.startswith(METADATA)}
    size = sum(len(name.removeprefix(METADATA)) + len(value) for name, value in metadata.items())
    if size > MAX_METADATA:
        raise S3Error(400, "MetadataTooLarge", f"the metadata has {size} bytes, at most {MAX_METADATA} are allowed")
    encodings = [word.strip() for word in request.headers.get("content-encoding", "").split(",")]
    decoded = ",".join(word for word in encodings if word.lower() != "aws-chunked")
    found = {name: request.headers[name] for name in STORED if name in request.headers} | {"content-encoding": decoded}
    return {name: value for name, value in found.items() if value} | metadata


def written_headers(verified: Verified) -> Mapping[str, str]:
    """Return the headers of the response to an upload."""
    return {"ETag": f'"{verified.etag}"'} | {f"{PREFIX}{name}": value for name, value in verified.checksums.items()}


def _delete(store: Store, bucket: str, entry: Mapping[str, str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    key = entry["Key"]
    try:
        if unknown := entry.keys() - {"Key", "ETag"}:
            raise not_implemented(f"deleting by {' and '.join(sorted(unknown))}")
        condition = {"if-match": entry["ETag"]} if "ETag" in entry else {}
        store.contents.remove(*store.objects.delete(bucket, key, lambda old: check_write(condition, key, old)))
    except S3Error as error:
        return "Error", (("Key", key), ("Code", error.code), ("Message", error.message))
    return "Deleted", (("Key", key),)
