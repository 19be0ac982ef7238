"""The object store, used over HTTP by boto3."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from workflows.services.objectstore.s3_store import Store

KEYS = ["a", "a/b", "a/b/c", "../../etc/passwd", ".", "..", "a b+c&d=e", "%41", "%2F", "ü/日本", "#?;", "-", "a//b"]


class QuietHandler(WSGIRequestHandler):
    """A handler of the standard library that provides the original path, as gunicorn does, and writes no log."""

    protocol_version = "HTTP/1.1"  # boto3 waits a second for "100 Continue", which only this version sends

    def get_environ(self) -> dict[str, Any]:
        """Return the WSGI environment with the original path."""
        environ: dict[str, Any] = super().get_environ()
        return {**environ, "RAW_URI": self.path}

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[Any]:
    """Return a client of a store with one empty bucket."""
    with make_server("127.0.0.1", 0, Store(tmp_path / "store" / "buckets"), handler_class=QuietHandler) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{server.server_port}",
            aws_access_key_id="any",
            aws_secret_access_key="any",
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )
        client.create_bucket(Bucket="bucket")
        yield client
        client.close()
        server.shutdown()
        serving.join()


def error_of(call: Any, **arguments: Any) -> tuple[int, str]:  # noqa: ANN401 - a method of boto3's client
    """Return the status and the code of the error that a call raises."""
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    response = raised.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


@pytest.mark.parametrize("key", KEYS)
def test_an_object_is_stored_listed_and_deleted(s3: Any, key: str) -> None:  # noqa: ANN401 - boto3 has no types
    """Every key is valid, also those that look like paths or that contain special characters."""
    s3.put_object(Bucket="bucket", Key=key, Body=key.encode())
    assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == key.encode()
    assert [found["Key"] for found in s3.list_objects_v2(Bucket="bucket")["Contents"]] == [key]
    s3.delete_object(Bucket="bucket", Key=key)
    assert error_of(s3.get_object, Bucket="bucket", Key=key) == (404, "NoSuchKey")


def test_no_key_leads_out_of_its_bucket(s3: Any, tmp_path: Path) -> None:  # noqa: ANN401
    """All objects are files in the folder of their bucket."""
    for key in KEYS:
        s3.put_object(Bucket="bucket", Key=key, Body=b"")
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == len(KEYS)
    assert len([*(tmp_path / "store/buckets/bucket").iterdir()]) == len(KEYS)


def test_a_listing_has_pages_and_common_prefixes(s3: Any) -> None:  # noqa: ANN401
    """Pages are in order and complete; with a delimiter, keys with a common prefix are listed once."""
    for key in ("b/2", "a", "b/1", "c"):
        s3.put_object(Bucket="bucket", Key=key, Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="bucket", PaginationConfig={"PageSize": 1})
    assert [found["Key"] for page in pages for found in page["Contents"]] == ["a", "b/1", "b/2", "c"]
    shown = s3.list_objects_v2(Bucket="bucket", Delimiter="/")
    assert [found["Key"] for found in shown["Contents"]] == ["a", "c"]
    assert [found["Prefix"] for found in shown["CommonPrefixes"]] == ["b/"]
    assert [found["Key"] for found in s3.list_objects(Bucket="bucket", Prefix="b/", Marker="b/1")["Contents"]] == ["b/2"]


def test_a_range_of_an_object_is_read(s3: Any) -> None:  # noqa: ANN401
    """The response contains the requested bytes and the size of the object."""
    s3.put_object(Bucket="bucket", Key="k", Body=b"0123456789")
    part = s3.get_object(Bucket="bucket", Key="k", Range="bytes=2-4")
    assert (part["Body"].read(), part["ContentRange"]) == (b"234", "bytes 2-4/10")
    assert s3.get_object(Bucket="bucket", Key="k", Range="bytes=-3")["Body"].read() == b"789"
    assert error_of(s3.get_object, Bucket="bucket", Key="k", Range="bytes=10-") == (416, "InvalidRange")


def test_an_object_is_described(s3: Any) -> None:  # noqa: ANN401
    """HEAD returns the size and the entity tag, which is the MD5 hash that PUT returned."""
    tag = s3.put_object(Bucket="bucket", Key="k", Body=b"hello")["ETag"]
    head = s3.head_object(Bucket="bucket", Key="k")
    assert (head["ContentLength"], head["ETag"]) == (5, tag) == (5, '"5d41402abc4b2a76b9719d911017c592"')


def test_errors_have_the_codes_of_s3(s3: Any) -> None:  # noqa: ANN401
    """Each error has a status and a code."""
    s3.put_object(Bucket="bucket", Key="k", Body=b"")
    assert error_of(s3.get_object, Bucket="nowhere", Key="k") == (404, "NoSuchBucket")
    assert error_of(s3.create_bucket, Bucket="bucket") == (409, "BucketAlreadyOwnedByYou")
    assert error_of(s3.create_bucket, Bucket="UPPER") == (400, "InvalidBucketName")
    assert error_of(s3.delete_bucket, Bucket="bucket") == (409, "BucketNotEmpty")
    assert error_of(s3.put_object, Bucket="bucket", Key="x" * 1000, Body=b"") == (400, "KeyTooLongError")
    assert error_of(s3.list_objects, Bucket="bucket", MaxKeys=-1) == (400, "InvalidArgument")
    assert error_of(s3.create_multipart_upload, Bucket="bucket", Key="k") == (405, "MethodNotAllowed")


def test_a_bucket_is_created_and_deleted(s3: Any) -> None:  # noqa: ANN401
    """A bucket is listed until it is deleted."""
    s3.create_bucket(Bucket="other")
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["bucket", "other"]
    s3.delete_bucket(Bucket="other")
    assert error_of(s3.head_bucket, Bucket="other") == (404, "404")
