"""Tags of objects."""

from dataclasses import replace
from urllib.parse import parse_qsl

from .body import read_document
from .errors import S3Error
from .http import Request, Response
from .store import Store
from .xml import parse, respond

MOST, LONGEST_KEY, LONGEST_VALUE = 10, 128, 256  # tags of an object, and characters: S3's limits


def get_tags(store: Store, request: Request) -> Response:
    """Return the tags of an object."""
    tags = store.objects.find(request.bucket, request.key).details.tags
    return respond("Tagging", (("TagSet", tuple(("Tag", (("Key", key), ("Value", value))) for key, value in tags.items())),))


def put_tags(store: Store, request: Request) -> Response:
    """Replace the tags of an object; its content stays the same."""
    store.objects.check_bucket(request.bucket)
    found = parse(read_document(request), "Tagging").iterfind("TagSet/Tag")
    tags = _checked([(tag.findtext("Key") or "", tag.findtext("Value") or "") for tag in found])
    store.objects.change(request.bucket, request.key, lambda details: replace(details, tags=tags))
    return Response()


def delete_tags(store: Store, request: Request) -> Response:
    """Delete the tags of an object."""
    store.objects.check_bucket(request.bucket)
    store.objects.change(request.bucket, request.key, lambda details: replace(details, tags={}))
    return Response(204)


def tags_of(request: Request) -> dict[str, str]:
    """Return the tags in the header of an upload or a copy."""
    return _checked(parse_qsl(request.headers.get("x-amz-tagging", ""), keep_blank_values=True))


def _checked(tags: list[tuple[str, str]]) -> dict[str, str]:
    if len(tags) > MOST:
        raise S3Error(400, "BadRequest", f"an object has at most {MOST} tags; found {len(tags)}")
    if len(dict(tags)) < len(tags):
        raise S3Error(400, "InvalidTag", "two tags have the same key")
    for key, value in tags:
        if not 1 <= len(key) <= LONGEST_KEY or len(value) > LONGEST_VALUE:
            raise S3Error(400, "InvalidTag", f"{key!r}: a key has 1 to {LONGEST_KEY} characters, a value at most {LONGEST_VALUE}")
    return dict(tags)
