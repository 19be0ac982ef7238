"""Listings in both versions of S3."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.objectstore import error_of, serving

# ruff: noqa: ANN401 - boto3 has no types

pytestmark = pytest.mark.slow  # each has a bucket on the disk

KEYS = ["a", "b/1", "b/2", "b/c/3", "b0", "c", "é/ü", "日本/東京", "🚀"]  # in the order of UTF-8


@pytest.fixture
def filled(s3: Any, bucket: str) -> str:
    """Return the name of a bucket with objects."""
    for key in reversed(KEYS):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    return bucket


def names(page: dict[str, Any]) -> list[str]:
    """Return the keys of a page, then its common prefixes."""
    return [found["Key"] for found in page.get("Contents", ())] + [found["Prefix"] for found in page.get("CommonPrefixes", ())]


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_pages_are_in_order_and_complete(s3: Any, filled: str, operation: str, size: int) -> None:
    """With and without a delimiter, each name is on exactly one page."""
    pages = s3.get_paginator(operation).paginate(Bucket=filled, PaginationConfig={"PageSize": size})
    assert [name for page in pages for name in names(page)] == KEYS
    pages = [*s3.get_paginator(operation).paginate(Bucket=filled, Delimiter="/", PaginationConfig={"PageSize": size})]
    assert sorted(name for page in pages for name in names(page)) == ["a", "b/", "b0", "c", "é/", "日本/", "🚀"]
    assert all(len(names(page)) <= size for page in pages)


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
def test_a_prefix_and_a_delimiter(s3: Any, filled: str, operation: str) -> None:
    """Keys with a common prefix are listed once; the delimiter may be any text."""
    call = getattr(s3, operation)
    assert names(call(Bucket=filled, Prefix="b/")) == ["b/1", "b/2", "b/c/3"]
    assert names(call(Bucket=filled, Prefix="b/", Delimiter="/")) == ["b/1", "b/2", "b/c/"]
    assert names(call(Bucket=filled, Prefix="日", Delimiter="京")) == ["日本/東京"]
    assert names(call(Bucket=filled, Prefix="b", Delimiter="/c")) == ["b/1", "b/2", "b0", "b/c"]
    assert names(call(Bucket=filled, Prefix="none")) == []
    assert names(call(Bucket=filled, MaxKeys=0)) == []
    assert call(Bucket=filled, MaxKeys=0)["IsTruncated"] is False


def test_a_listing_starts_after_a_name(s3: Any, filled: str) -> None:
    """The name itself is not listed, and need not exist."""
    assert names(s3.list_objects(Bucket=filled, Marker="b/1", Prefix="b")) == ["b/2", "b/c/3", "b0"]
    assert names(s3.list_objects_v2(Bucket=filled, StartAfter="b/11", Prefix="b")) == ["b/2", "b/c/3", "b0"]
    assert names(s3.list_objects_v2(Bucket=filled, StartAfter="b/", Delimiter="/", MaxKeys=2)) == ["b0", "c"]
    assert names(s3.list_objects_v2(Bucket=filled, StartAfter="z")) == ["é/ü", "日本/東京", "🚀"]
    assert error_of(s3.list_objects_v2, Bucket=filled, ContinuationToken="?") == (400, "InvalidArgument")


def test_objects_are_described(s3: Any, filled: str) -> None:
    """A listing contains size, entity tag and time, and in version 2 the owner if the client asks for it."""
    first, owned = (s3.list_objects_v2(Bucket=filled, MaxKeys=1, FetchOwner=owner) for owner in (False, True))
    assert (first["Contents"][0]["Size"], first["Contents"][0]["ETag"]) == (1, '"9dd4e461268c8034f5c8564e155c67a6"')
    assert first["Contents"][0]["LastModified"] == s3.list_objects(Bucket=filled, MaxKeys=1)["Contents"][0]["LastModified"]
    assert ("Owner" in first["Contents"][0], "Owner" in owned["Contents"][0]) == (False, True)
    assert (first["KeyCount"], first["MaxKeys"], first["IsTruncated"]) == (1, 1, True)


def test_uploads_are_listed(s3: Any, bucket: str) -> None:
    """Uploads are in pages, by key, until they are aborted."""
    created = [(key, s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]) for key in ("a", "a", "ü")]
    pages = [*s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})]
    assert sorted((found["Key"], found["UploadId"]) for page in pages for found in page["Uploads"]) == sorted(created)
    assert [found["Key"] for found in s3.list_multipart_uploads(Bucket=bucket, Prefix="ü")["Uploads"]] == ["ü"]
    assert [found["Key"] for found in s3.list_multipart_uploads(Bucket=bucket, KeyMarker="a")["Uploads"]] == ["ü"]
    for key, upload in created:
        s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_a_listing_has_at_most_a_thousand_names(tmp_path: Path) -> None:
    """More is on the next page; a prefix of more than a thousand objects is one name."""
    folder = tmp_path / "data" / "buckets" / "many"  # as an earlier version stored objects
    folder.mkdir(parents=True)
    for name in (*(f"p%2F{number:04}" for number in range(1003)), "source"):
        (folder / name).touch()
    with serving(tmp_path / "data") as server, server.client() as s3:
        page = s3.list_objects_v2(Bucket="many", MaxKeys=5000)
        assert (page["KeyCount"], page["MaxKeys"], page["IsTruncated"]) == (1000, 1000, True)
        assert names(s3.list_objects_v2(Bucket="many", ContinuationToken=page["NextContinuationToken"]))[-2:] == ["p/1002", "source"]
        assert names(s3.list_objects_v2(Bucket="many", Delimiter="/")) == ["source", "p/"]
