"""Buckets."""

import re

from .body import read_document
from .errors import S3Error
from .http import Request, Response
from .listing import MAX_KEYS, owner
from .store import Store
from .xml import iso_time, parse, respond

NAME = re.compile("[a-z0-9_][a-z0-9._-]{2,62}")


def list_buckets(store: Store, request: Request) -> Response:
    """List the buckets by name, in pages."""
    limit = request.number("max-buckets", 10 * MAX_KEYS)  # S3's limit
    prefix, after = request.query.get("prefix", ""), request.query.get("continuation-token", "")
    found = store.objects.buckets(prefix, after, limit + 1)
    page = found[:limit]
    buckets = tuple(("Bucket", (("Name", name), ("CreationDate", iso_time(created)))) for name, created in page)
    token = (("ContinuationToken", page[-1][0]),) if page and len(found) > limit else ()
    return respond("ListAllMyBucketsResult", (owner(store), ("Buckets", buckets), *token))


def create_bucket(store: Store, request: Request) -> Response:
    """Create a bucket; a location is accepted and has no effect."""
    if not NAME.fullmatch(request.bucket):
        expected = "a bucket name has 3 to 63 lowercase letters, digits, dots, hyphens and underscores"
        raise S3Error(400, "InvalidBucketName", expected)
    document = read_document(request)
    if document:
        parse(document, "CreateBucketConfiguration")
    store.objects.create_bucket(request.bucket)
    return Response(headers={"Location": f"/{request.bucket}"})


def head_bucket(store: Store, request: Request) -> Response:
    """Return whether a bucket exists."""
    store.objects.check_bucket(request.bucket)
    return Response()


def delete_bucket(store: Store, request: Request) -> Response:
    """Delete a bucket without objects, with its unfinished uploads."""
    store.contents.remove(*store.objects.delete_bucket(request.bucket))
    return Response(204)


def get_location(store: Store, request: Request) -> Response:
    """Return the region of a bucket: the default one, which S3 writes as an empty text."""
    store.objects.check_bucket(request.bucket)
    return respond("LocationConstraint", ())


def get_versioning(store: Store, request: Request) -> Response:
    """Return that the objects of a bucket have no versions."""
    store.objects.check_bucket(request.bucket)
    return respond("VersioningConfiguration", ())
