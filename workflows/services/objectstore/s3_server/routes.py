"""What is supported: each operation, with the parameters that select it and those that it knows.

A request with any other parameter, and one with a header that demands what this server does not do, is refused with
NotImplemented before anything is read or changed: a sub-resource that is unknown must never be taken for the object.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .buckets import create_bucket, delete_bucket, get_location, get_versioning, head_bucket, list_buckets
from .completion import complete_upload
from .copying import SOURCE, copy_object
from .errors import S3Error, not_implemented
from .http import Request, Response
from .listing import list_objects, list_uploads
from .multipart import abort_upload, create_upload, list_parts, put_part
from .reading import RESPONSE, get_object
from .store import Store
from .tags import delete_tags, get_tags, put_tags
from .writing import STORED, delete_object, delete_objects, put_object

REFUSED = (
    "x-amz-bucket-object-lock-enabled", "x-amz-bypass-governance-retention", "x-amz-copy-source-server-side-encryption",
    "x-amz-expected-bucket-owner", "x-amz-grant-", "x-amz-if-match-", "x-amz-mfa", "x-amz-object-annotation", "x-amz-object-lock-",
    "x-amz-object-ownership", "x-amz-rename-", "x-amz-server-side-encryption", "x-amz-source-expected-bucket-owner",
    "x-amz-website-redirect-location", "x-amz-write-offset-bytes",
)  # fmt: skip
# With one owner, an object is private whichever of these a client asks for. The image bundles of EC2 have the last one.
ACLS = frozenset({"private", "bucket-owner-read", "bucket-owner-full-control", "aws-exec-read"})


@dataclass(frozen=True, slots=True)
class Route:
    """An operation: ``needs`` are the parameters that select it, ``allows`` those that it may have beside them."""

    method: str
    kind: str
    handle: Callable[[Store, Request], Response]
    needs: frozenset[str] = frozenset()
    allows: frozenset[str] = frozenset()


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


LISTING = "list-type delimiter encoding-type prefix max-keys marker continuation-token start-after fetch-owner"
UPLOADS = "encoding-type prefix max-uploads key-marker upload-id-marker"
READING = " ".join(["partNumber", *(RESPONSE + name for name in STORED)])
ROUTES = (
    Route("GET", "service", list_buckets, allows=_names("prefix max-buckets continuation-token")),
    Route("GET", "bucket", list_objects, allows=_names(LISTING)),
    Route("GET", "bucket", get_location, needs=_names("location")),
    Route("GET", "bucket", get_versioning, needs=_names("versioning")),
    Route("GET", "bucket", list_uploads, needs=_names("uploads"), allows=_names(UPLOADS)),
    Route("HEAD", "bucket", head_bucket),
    Route("PUT", "bucket", create_bucket),
    Route("DELETE", "bucket", delete_bucket),
    Route("POST", "bucket", delete_objects, needs=_names("delete")),
    Route("GET", "object", get_object, allows=_names(READING)),
    Route("HEAD", "object", get_object, allows=_names(READING)),
    Route("PUT", "object", put_object),
    Route("DELETE", "object", delete_object),
    Route("GET", "object", get_tags, needs=_names("tagging")),
    Route("PUT", "object", put_tags, needs=_names("tagging")),
    Route("DELETE", "object", delete_tags, needs=_names("tagging")),
    Route("POST", "object", create_upload, needs=_names("uploads")),
    Route("PUT", "object", put_part, needs=_names("partNumber uploadId")),
    Route("GET", "object", list_parts, needs=_names("uploadId"), allows=_names("max-parts part-number-marker")),
    Route("POST", "object", complete_upload, needs=_names("uploadId")),
    Route("DELETE", "object", abort_upload, needs=_names("uploadId")),
)


def find_handler(request: Request) -> Callable[[Store, Request], Response]:
    """Return the function that handles a request; raise NotImplemented or MethodNotAllowed if there is none."""
    routes = [route for route in ROUTES if (route.method, route.kind) == (request.method, request.kind)]
    _check_headers(request)
    names = request.query.keys()
    for route in routes:
        if route.needs <= names <= route.needs | route.allows:
            return copy_object if route.handle is put_object and SOURCE in request.headers else route.handle
    if not routes and not names:
        raise S3Error(405, "MethodNotAllowed", f"the method {request.method} is not supported for the {request.kind}")
    raise not_implemented(f"{request.method} of the {request.kind} with {', '.join(sorted(names)) or 'no parameters'}")


def _check_headers(request: Request) -> None:
    for name in request.headers:
        if name.startswith(REFUSED):
            raise not_implemented(f"the header {name}")
    acl, storage_class = request.headers.get("x-amz-acl", "private"), request.headers.get("x-amz-storage-class", "STANDARD")
    if acl not in ACLS:
        raise not_implemented(f"the access control list {acl}")
    if storage_class != "STANDARD":
        raise S3Error(400, "InvalidStorageClass", f"the storage class is {storage_class}; expected STANDARD")
