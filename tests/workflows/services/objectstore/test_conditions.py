"""Conditional requests and ranges."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.objectstore import Server, error_of

# ruff: noqa: ANN401 - boto3 has no types

pytestmark = pytest.mark.slow  # each has a bucket on the disk
ANONYMOUS = True

NOW = datetime.now(UTC)
BEFORE, AFTER = NOW - timedelta(days=1), NOW + timedelta(days=1)  # the module is imported long before its tests run
ETAG = '"781e5e245d69b566979b86e28d23f2c7"'  # of 0123456789
OTHER = '"00000000000000000000000000000000"'


@pytest.fixture
def key(s3: Any, bucket: str) -> dict[str, str]:
    """Return the arguments of an object with ten bytes."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    return {"Bucket": bucket, "Key": "k"}


@pytest.mark.parametrize(
    ("text", "content", "shown"),
    [
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=8-", b"89", "bytes 8-9/10"),
        ("bytes=8-100", b"89", "bytes 8-9/10"),
        ("bytes=-100", b"0123456789", "bytes 0-9/10"),
        ("bytes=0-0", b"0", "bytes 0-0/10"),
    ],
)
def test_a_range_of_an_object_is_read(s3: Any, key: dict[str, str], text: str, content: bytes, shown: str) -> None:
    """The response contains the requested bytes and the size of the object."""
    part = s3.get_object(**key, Range=text)
    assert (part["Body"].read(), part["ContentRange"], part["ContentLength"]) == (content, shown, len(content))
    assert s3.head_object(**key, Range=text)["ContentLength"] == len(content)


@pytest.mark.parametrize("text", ["bytes=10-", "bytes=100-200", "bytes=-0"])
def test_a_range_after_the_end_is_refused(server: Server, s3: Any, key: dict[str, str], text: str) -> None:
    """The response contains the size of the object."""
    assert error_of(s3.get_object, **key, Range=text) == (416, "InvalidRange")
    found = httpx.get(f"{server.url}/{key['Bucket']}/k", headers={"Range": text})
    assert found.headers["Content-Range"] == "bytes */10"


@pytest.mark.parametrize("text", ["bytes=4-2", "bytes=1-2,4-5", "lines=1-2", "bytes=a-b", "bytes=-", "bytes=1", "bytes=٣-"])
def test_what_is_no_range_is_ignored(server: Server, key: dict[str, str], text: str) -> None:
    """As in HTTP, the whole object is sent."""
    found = httpx.get(f"{server.url}/{key['Bucket']}/k", headers={b"Range": text.encode()})
    assert (found.status_code, found.content) == (200, b"0123456789")


def test_a_range_of_an_older_object_is_not_sent(server: Server, key: dict[str, str]) -> None:
    """With If-Range, a download that is resumed begins again if the object has changed."""
    url = f"{server.url}/{key['Bucket']}/k"
    assert httpx.get(url, headers={"Range": "bytes=5-", "If-Range": ETAG}).content == b"56789"
    assert httpx.get(url, headers={"Range": "bytes=5-", "If-Range": OTHER}).content == b"0123456789"


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"IfMatch": ETAG}, 200),
        ({"IfMatch": "*"}, 200),
        ({"IfMatch": OTHER}, 412),
        ({"IfMatch": f"{OTHER}, {ETAG}"}, 200),
        ({"IfNoneMatch": OTHER}, 200),
        ({"IfNoneMatch": ETAG}, 304),
        ({"IfNoneMatch": "*"}, 304),
        ({"IfModifiedSince": BEFORE}, 200),
        ({"IfModifiedSince": AFTER}, 304),
        ({"IfUnmodifiedSince": AFTER}, 200),
        ({"IfUnmodifiedSince": BEFORE}, 412),
        ({"IfMatch": ETAG, "IfUnmodifiedSince": BEFORE}, 200),
        ({"IfNoneMatch": OTHER, "IfModifiedSince": AFTER}, 200),
        ({"IfNoneMatch": ETAG, "IfModifiedSince": BEFORE}, 304),
    ],
)
def test_an_object_is_read_under_a_condition(s3: Any, key: dict[str, str], condition: dict[str, Any], status: int) -> None:
    """The conditions and their order are those of HTTP, for GET, HEAD and the source of a copy."""
    copy = {f"CopySource{name}": value for name, value in condition.items()}
    if status == 200:
        assert s3.get_object(**key, **condition)["Body"].read() == b"0123456789"
        assert s3.head_object(**key, **condition)["ContentLength"] == 10
        s3.copy_object(Bucket=key["Bucket"], Key="copy", CopySource=key, **copy)
        return
    assert error_of(s3.get_object, **key, **condition)[0] == status
    assert error_of(s3.head_object, **key, **condition)[0] == status
    assert error_of(s3.copy_object, Bucket=key["Bucket"], Key="copy", CopySource=key, **copy) == (412, "PreconditionFailed")


def test_an_object_is_written_under_a_condition(s3: Any, key: dict[str, str]) -> None:
    """An object is not replaced or deleted if it exists already, or is not the expected one."""
    assert error_of(s3.put_object, **key, Body=b"new", IfNoneMatch="*") == (412, "PreconditionFailed")
    assert error_of(s3.put_object, **key, Body=b"new", IfMatch=OTHER) == (412, "PreconditionFailed")
    assert error_of(s3.delete_object, **key, IfMatch=OTHER) == (412, "PreconditionFailed")
    assert error_of(s3.put_object, Bucket=key["Bucket"], Key="none", Body=b"", IfMatch=ETAG) == (404, "NoSuchKey")
    assert error_of(s3.copy_object, **key, CopySource=key, MetadataDirective="REPLACE", IfNoneMatch="*") == (412, "PreconditionFailed")
    assert s3.get_object(**key)["Body"].read() == b"0123456789"
    s3.put_object(Bucket=key["Bucket"], Key="other", Body=b"", IfNoneMatch="*")
    s3.put_object(**key, Body=b"new", IfMatch=ETAG)
    assert s3.get_object(**key)["Body"].read() == b"new"


def test_a_response_without_content_is_complete(server: Server, key: dict[str, str]) -> None:
    """HEAD and 304 have no body, so that the next request on the same connection is answered."""
    url = f"{server.url}/{key['Bucket']}/k"
    with httpx.Client() as client:
        assert client.head(url).headers["Content-Length"] == "10"
        unchanged = client.get(url, headers={"If-None-Match": ETAG})
        assert (unchanged.status_code, unchanged.content, unchanged.headers["ETag"]) == (304, b"", ETAG)
        assert client.head(f"{url}-none").status_code == 404
        assert client.get(url).content == b"0123456789"
