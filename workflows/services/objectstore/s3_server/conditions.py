"""Conditional requests and ranges."""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import formatdate, parsedate_to_datetime

from .errors import S3Error, no_such_key, not_implemented, precondition_failed
from .objects import StoredObject


def check_read(headers: Mapping[str, str], found: StoredObject, prefix: str = "") -> None:
    """Raise PreconditionFailed or, for a GET or a HEAD, NotModified if a condition is not met.

    As in HTTP, a condition on the time counts only without the condition on the entity tag. ``prefix`` is that of the
    conditions on the source of a copy.
    """
    match, none_match = headers.get(f"{prefix}if-match"), headers.get(f"{prefix}if-none-match")
    since, unmodified_since = _time(headers, f"{prefix}if-modified-since"), _time(headers, f"{prefix}if-unmodified-since")
    changed = int(found.modified)
    if match is not None and not _matches(match, found.etag):
        raise precondition_failed(f"{prefix}if-match")
    if match is None and unmodified_since is not None and changed > unmodified_since:
        raise precondition_failed(f"{prefix}if-unmodified-since")
    if _matches(none_match or "", found.etag) or (none_match is None and since is not None and changed <= since):
        if prefix:
            raise precondition_failed(f"{prefix}if-none-match or {prefix}if-modified-since")
        raise S3Error(304, "NotModified", "the object has not changed", ETag=f'"{found.etag}"', Last_Modified=http_time(found.modified))


def check_write(headers: Mapping[str, str], key: str, old: StoredObject | None) -> None:
    """Raise PreconditionFailed if an object exists that must not, or is not the one that is to be replaced or deleted."""
    match, none_match = headers.get("if-match"), headers.get("if-none-match")
    if none_match is not None and none_match.strip() != "*":
        raise not_implemented("writing with an if-none-match other than *")
    if none_match is not None and old:
        raise precondition_failed("if-none-match")
    if match is not None and old is None:
        raise no_such_key(key)
    if match is not None and old and not _matches(match, old.etag):
        raise precondition_failed("if-match")


def byte_range(text: str, size: int) -> tuple[int, int] | None:
    """Return the first and the last byte of a range; ``None`` for the whole, also if the range is none or several, as in HTTP.

    Raise InvalidRange if the object ends before the range.
    """
    found = re.fullmatch("bytes=([0-9]{0,18})-([0-9]{0,18})", text.strip())
    if not found or found[0].endswith("=-"):
        return None
    begin, end = found.groups()
    first = int(begin) if begin else max(0, size - int(end))
    last = min(int(end), size - 1) if begin and end else size - 1
    if begin and end and int(end) < first:
        return None
    if first > last:
        raise S3Error(416, "InvalidRange", f"the object has {size} bytes", Content_Range=f"bytes */{size}")
    return first, last


def http_time(when: float) -> str:
    """Return a time, in seconds since 1970, as HTTP writes it."""
    return formatdate(when, usegmt=True)


def _matches(header: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")]
    return "*" in tags or etag in tags


def _time(headers: Mapping[str, str], name: str) -> float | None:
    try:
        when = parsedate_to_datetime(headers.get(name, ""))
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except ValueError:
        return None  # as in HTTP, a condition that is no time does not count
