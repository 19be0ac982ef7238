"""The object store, used over HTTP by boto3: buckets and whole objects."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.objectstore import Server, error_of, serving

# ruff: noqa: ANN401 - boto3 has no types

pytestmark = pytest.mark.slow  # each has a bucket on the disk

KEYS = ["a", "a/b", "a/b/c", "../../etc/passwd", ".", "..", "a b+c&d=e", "%41", "%2F", "ü/日本", "#?;", "-", "a//b", "x" * 1024]
KEYS += ["日本語" * 100, "🚀 '\"<>\\", "новая/папка", "tab\tline\nreturn\rcontrol\x07", "/begins/with", "ends/with/"]


@pytest.mark.parametrize("key", KEYS)
def test_an_object_is_stored_listed_and_deleted(s3: Any, bucket: str, key: str) -> None:
    """Every key is valid, also those that look like paths or that contain special characters."""
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert [found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.copy_object(Bucket=bucket, Key=key[1:] + "!", CopySource={"Bucket": bucket, "Key": key})
    assert s3.get_object(Bucket=bucket, Key=key[1:] + "!")["Body"].read() == key.encode()
    s3.delete_object(Bucket=bucket, Key=key)
    assert error_of(s3.get_object, Bucket=bucket, Key=key) == (404, "NoSuchKey")


def test_no_key_leads_out_of_the_store(tmp_path: Path) -> None:
    """All contents are files in one folder, with names that the store chooses."""
    with serving(tmp_path / "store" / "data") as server, server.client() as s3:
        s3.create_bucket(Bucket="bucket")
        for key in KEYS:
            s3.put_object(Bucket="bucket", Key=key, Body=b"")
    assert {path.name for path in tmp_path.iterdir()} == {"store"}
    assert {path.name for path in (tmp_path / "store").iterdir()} == {"config.json", "data", "objectstore.log"}
    assert len([*(tmp_path / "store/data/contents").iterdir()]) == len(KEYS)


def test_an_object_is_described(s3: Any, bucket: str) -> None:
    """HEAD returns the size and the entity tag, which is the MD5 hash that PUT returned."""
    tag = s3.put_object(Bucket=bucket, Key="k", Body=b"hello")["ETag"]
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["ContentLength"], head["ETag"]) == (5, tag) == (5, '"5d41402abc4b2a76b9719d911017c592"')


def test_headers_and_metadata_are_stored(s3: Any, bucket: str) -> None:
    """GET and HEAD return what PUT received; a listing does not change it."""
    stored = {
        "CacheControl": "max-age=60",
        "ContentDisposition": 'attachment; filename="a.txt"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "ContentType": "text/plain; charset=utf-8",
        "Expires": datetime(2030, 1, 2, tzinfo=UTC),
        "Metadata": {"owner": "nova", "two-words": "a b"},
    }
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **stored)
    for found in (s3.head_object(Bucket=bucket, Key="k"), s3.get_object(Bucket=bucket, Key="k")):
        assert {name: found[name] for name in stored} == stored
    changed = s3.get_object(Bucket=bucket, Key="k", ResponseContentType="image/png", ResponseCacheControl="no-store")
    assert (changed["ContentType"], changed["CacheControl"]) == ("image/png", "no-store")


def test_an_object_without_a_type_is_binary(s3: Any, bucket: str) -> None:
    """A content has S3's type if its client gives none."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.get_object(Bucket=bucket, Key="k")["ContentType"] == "binary/octet-stream"


def test_tags_are_stored_and_leave_the_content_alone(s3: Any, bucket: str) -> None:
    """Tags are set, replaced and deleted; the content stays the same."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"content", Tagging="a=1&b=%C3%BC")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "ü"}]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "c", "Value": "<&>"}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "c", "Value": "<&>"}]
    assert s3.get_object(Bucket=bucket, Key="k")["TagCount"] == 1
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"content"
    assert error_of(s3.put_object, Bucket=bucket, Key="k", Body=b"", Tagging="a=1&a=2") == (400, "InvalidTag")
    assert error_of(s3.get_object_tagging, Bucket=bucket, Key="none") == (404, "NoSuchKey")


def test_a_copy_has_the_metadata_of_its_source(s3: Any, bucket: str) -> None:
    """A copy has the content, headers and tags of its source, or with REPLACE its own."""
    s3.put_object(Bucket=bucket, Key="a", Body=b"content", ContentType="text/plain", Metadata={"x": "1"}, Tagging="t=1")
    source = {"Bucket": bucket, "Key": "a"}
    s3.copy_object(Bucket=bucket, Key="b", CopySource=source)
    s3.copy_object(Bucket=bucket, Key="a", CopySource=source, MetadataDirective="REPLACE", Metadata={"y": "2"})
    copy, changed = s3.get_object(Bucket=bucket, Key="b"), s3.get_object(Bucket=bucket, Key="a")
    assert (copy["Body"].read(), copy["ContentType"], copy["Metadata"], copy["TagCount"]) == (b"content", "text/plain", {"x": "1"}, 1)
    assert (changed["Body"].read(), changed["ContentType"], changed["Metadata"]) == (b"content", "binary/octet-stream", {"y": "2"})
    assert error_of(s3.copy_object, Bucket=bucket, Key="a", CopySource=source) == (400, "InvalidRequest")
    assert error_of(s3.copy_object, Bucket=bucket, Key="c", CopySource={**source, "VersionId": "1"}) == (501, "NotImplemented")
    assert error_of(s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/none") == (404, "NoSuchKey")
    s3.delete_object(Bucket=bucket, Key="a")
    assert s3.get_object(Bucket=bucket, Key="b")["Body"].read() == b"content"


def test_many_objects_are_deleted_at_once(s3: Any, bucket: str) -> None:
    """Each key is reported, also those that do not exist; a quiet request reports only errors."""
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    keys = [key for key in KEYS if "\x07" not in key]  # boto3 writes it as it is, which is not XML
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in [*keys, "none"]]})
    assert [found["Key"] for found in deleted["Deleted"]] == [*keys, "none"]
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a", "VersionId": "1"}, {"Key": "b"}], "Quiet": True})
    assert "Deleted" not in quiet
    assert [(found["Key"], found["Code"]) for found in quiet["Errors"]] == [("a", "NotImplemented")]


def test_errors_have_the_codes_of_s3(s3: Any, bucket: str) -> None:
    """Each error has a status and a code."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    assert error_of(s3.get_object, Bucket="nowhere", Key="k") == (404, "NoSuchBucket")
    assert error_of(s3.put_object, Bucket="nowhere", Key="k", Body=b"x") == (404, "NoSuchBucket")
    assert error_of(s3.list_objects, Bucket="nowhere") == (404, "NoSuchBucket")
    assert error_of(s3.create_multipart_upload, Bucket="nowhere", Key="k") == (404, "NoSuchBucket")
    assert error_of(s3.create_bucket, Bucket=bucket) == (409, "BucketAlreadyOwnedByYou")
    assert error_of(s3.create_bucket, Bucket="UPPER") == (400, "InvalidBucketName")
    assert error_of(s3.delete_bucket, Bucket=bucket) == (409, "BucketNotEmpty")
    assert error_of(s3.put_object, Bucket=bucket, Key="x" * 1025, Body=b"") == (400, "KeyTooLongError")
    assert error_of(s3.put_object, Bucket=bucket, Key="m", Body=b"", Metadata={"m": "x" * 2048}) == (400, "MetadataTooLarge")
    assert error_of(s3.list_objects, Bucket=bucket, MaxKeys=-1) == (400, "InvalidArgument")


def test_a_bucket_is_created_and_deleted(s3: Any) -> None:
    """A bucket is listed until it is deleted, in pages and by prefix."""
    for name in ("list-a", "list-b", "list-c"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    first = s3.list_buckets(Prefix="list-", MaxBuckets=2)
    rest = s3.list_buckets(Prefix="list-", MaxBuckets=2, ContinuationToken=first["ContinuationToken"])
    assert [[bucket["Name"] for bucket in page["Buckets"]] for page in (first, rest)] == [["list-a", "list-b"], ["list-c"]]
    for name in ("list-a", "list-b", "list-c"):
        s3.delete_bucket(Bucket=name)
    assert error_of(s3.head_bucket, Bucket="list-b") == (404, "404")
    assert s3.list_buckets(Prefix="list-")["Buckets"] == []


def test_objects_of_an_earlier_version_are_kept(tmp_path: Path) -> None:
    """A store without an index, in which an object is a file named by its quoted key, is read once and kept."""
    old = tmp_path / "data" / "buckets" / "old"
    old.mkdir(parents=True)
    (old / "a%2Fb%2Etxt").write_bytes(b"hello")
    (old / "%E6%97%A5").write_bytes(b"")
    (tmp_path / "data" / "buckets" / "empty").mkdir()
    for _ in range(2):
        with serving(tmp_path / "data") as server, server.client() as s3:
            assert [found["Name"] for found in s3.list_buckets()["Buckets"]] == ["empty", "old"]
            listed = [(found["Key"], found["Size"], found["ETag"]) for found in s3.list_objects_v2(Bucket="old")["Contents"]]
            assert listed == [
                ("a/b.txt", 5, '"5d41402abc4b2a76b9719d911017c592"'),
                ("日", 0, '"d41d8cd98f00b204e9800998ecf8427e"'),
            ]
            assert s3.get_object(Bucket="old", Key="a/b.txt")["Body"].read() == b"hello"
    with serving(tmp_path / "data") as server, server.client() as s3:
        s3.put_object(Bucket="old", Key="a/b.txt", Body=b"new")
        s3.delete_object(Bucket="old", Key="日")
    assert [*old.iterdir()] == []
    with serving(tmp_path / "data") as server, server.client() as s3:
        assert [found["Key"] for found in s3.list_objects_v2(Bucket="old")["Contents"]] == ["a/b.txt"]


def test_a_presigned_address_is_used(server: Server, s3: Any, bucket: str) -> None:
    """Parameters of a signature select no operation, in both versions of signatures."""
    for version in ("s3", "s3v4"):
        with server.client(signature_version=version) as signing:
            url = signing.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": version})
            assert httpx.put(url, content=b"hello").status_code == 200
        assert s3.get_object(Bucket=bucket, Key=version)["Body"].read() == b"hello"
