"""Reading objects."""

from .checksums import PREFIX
from .conditions import byte_range, check_read, http_time
from .contents import Content
from .errors import S3Error
from .http import Request, Response, as_header
from .objects import StoredObject
from .store import Store
from .writing import STORED

RESPONSE = "response-"  # the prefix of parameters that replace headers of the response


def get_object(store: Store, request: Request) -> Response:
    """Return an object, or a range of it; the body of a HEAD is not sent."""
    found, content = store.open(request.bucket, request.key)
    try:
        return _respond(request, found, content)
    except S3Error:
        content.close()
        raise


def _respond(request: Request, found: StoredObject, content: Content) -> Response:
    check_read(request.headers, found)
    part = _range(request, found)
    first, last = part or (0, found.size - 1)
    headers = _headers(found) | {"content-length": str(last + 1 - first)}
    headers |= {name: as_header(name, request.query[RESPONSE + name]) for name in STORED if RESPONSE + name in request.query}
    if found.details.parts and "partNumber" in request.query:
        headers["x-amz-mp-parts-count"] = str(len(found.details.parts))
    if part:
        headers["content-range"] = f"bytes {first}-{last}/{found.size}"
    if not part and request.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED":
        headers |= {f"{PREFIX}{name}": value for name, value in found.details.checksums.items()}
        headers |= {f"{PREFIX}type": found.details.checksum_type} if found.details.checksums else {}
    content.select(first, last + 1 - first)
    return Response(206 if part else 200, headers, content)


def _headers(found: StoredObject) -> dict[str, str]:
    headers = {"content-type": "binary/octet-stream", **found.details.headers}
    headers |= {"etag": f'"{found.etag}"', "last-modified": http_time(found.modified), "accept-ranges": "bytes"}
    headers |= {"x-amz-tagging-count": str(len(found.details.tags))} if found.details.tags else {}
    return headers


def _range(request: Request, found: StoredObject) -> tuple[int, int] | None:
    if "partNumber" not in request.query:
        condition = request.headers.get("if-range", f'"{found.etag}"')
        wanted = request.headers.get("range", "") if condition in {f'"{found.etag}"', http_time(found.modified)} else ""
        return byte_range(wanted, found.size)
    number, parts = request.number("partNumber", 1), found.details.parts or (found.size,)
    if not 1 <= number <= len(parts):
        raise S3Error(416, "InvalidPartNumber", f"the object has {len(parts)} parts")
    first = sum(parts[: number - 1])
    return (first, first + parts[number - 1] - 1) if found.size else None
