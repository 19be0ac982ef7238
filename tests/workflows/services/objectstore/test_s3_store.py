"""The object store, asked over HTTP by Amazon's own client."""

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


class Quiet(WSGIRequestHandler):
    """The standard library's server, telling the path as it was sent, as gunicorn does, and no log."""

    def get_environ(self) -> dict[str, Any]:
        """Return WSGI's environment with the path as it was sent."""
        environ: dict[str, Any] = super().get_environ()
        return {**environ, "RAW_URI": self.path}

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[Any]:
    """Lend a client of a store that is empty but for a bucket."""
    with make_server("127.0.0.1", 0, Store(tmp_path / "store" / "buckets"), handler_class=Quiet) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{server.server_port}",
            aws_access_key_id="nobody",
            aws_secret_access_key="nothing",
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )
        client.create_bucket(Bucket="bucket")
        yield client
        client.close()
        server.shutdown()
        serving.join()


def refusal(ask: Any, **arguments: Any) -> tuple[int, str]:  # noqa: ANN401 - any call of any client
    """Return the status and the code with which a call was refused."""
    with pytest.raises(ClientError) as refused:
        ask(**arguments)
    answer = refused.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


@pytest.mark.parametrize("key", KEYS)
def test_what_was_put_is_got(s3: Any, key: str) -> None:  # noqa: ANN401 - boto3 has no types
    """Whatever a key looks like, its object is found by it, listed by it, and gone when it was deleted."""
    s3.put_object(Bucket="bucket", Key=key, Body=key.encode())
    assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == key.encode()
    assert [found["Key"] for found in s3.list_objects_v2(Bucket="bucket")["Contents"]] == [key]
    s3.delete_object(Bucket="bucket", Key=key)
    assert refusal(s3.get_object, Bucket="bucket", Key=key) == (404, "NoSuchKey")


def test_no_key_leads_out_of_its_bucket(s3: Any, tmp_path: Path) -> None:  # noqa: ANN401
    """All objects are files right in their bucket's folder."""
    for key in KEYS:
        s3.put_object(Bucket="bucket", Key=key, Body=b"")
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == len(KEYS)
    assert len([*(tmp_path / "store/buckets/bucket").iterdir()]) == len(KEYS)


def test_a_listing_goes_page_by_page_and_folder_by_folder(s3: Any) -> None:  # noqa: ANN401
    """Pages join to the whole, in order; what shares a folder is shown once where a delimiter is given."""
    for key in ("b/2", "a", "b/1", "c"):
        s3.put_object(Bucket="bucket", Key=key, Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="bucket", PaginationConfig={"PageSize": 1})
    assert [found["Key"] for page in pages for found in page["Contents"]] == ["a", "b/1", "b/2", "c"]
    shown = s3.list_objects_v2(Bucket="bucket", Delimiter="/")
    assert [found["Key"] for found in shown["Contents"]] == ["a", "c"]
    assert [found["Prefix"] for found in shown["CommonPrefixes"]] == ["b/"]
    assert [found["Key"] for found in s3.list_objects(Bucket="bucket", Prefix="b/", Marker="b/1")["Contents"]] == ["b/2"]


def test_a_part_of_an_object_is_got(s3: Any) -> None:  # noqa: ANN401
    """The bytes asked for come, with the size of the whole."""
    s3.put_object(Bucket="bucket", Key="k", Body=b"0123456789")
    part = s3.get_object(Bucket="bucket", Key="k", Range="bytes=2-4")
    assert (part["Body"].read(), part["ContentRange"]) == (b"234", "bytes 2-4/10")
    assert s3.get_object(Bucket="bucket", Key="k", Range="bytes=-3")["Body"].read() == b"789"
    assert refusal(s3.get_object, Bucket="bucket", Key="k", Range="bytes=10-") == (416, "InvalidRange")


def test_an_object_is_described(s3: Any) -> None:  # noqa: ANN401
    """HEAD tells size and tag, the tag being the MD5 that PUT told."""
    told = s3.put_object(Bucket="bucket", Key="k", Body=b"hello")["ETag"]
    head = s3.head_object(Bucket="bucket", Key="k")
    assert (head["ContentLength"], head["ETag"]) == (5, told) == (5, '"5d41402abc4b2a76b9719d911017c592"')


def test_what_is_wrong_is_said_in_s3s_words(s3: Any) -> None:  # noqa: ANN401
    """Each mistake has its status and its code."""
    s3.put_object(Bucket="bucket", Key="k", Body=b"")
    assert refusal(s3.get_object, Bucket="nowhere", Key="k") == (404, "NoSuchBucket")
    assert refusal(s3.create_bucket, Bucket="bucket") == (409, "BucketAlreadyOwnedByYou")
    assert refusal(s3.create_bucket, Bucket="UPPER") == (400, "InvalidBucketName")
    assert refusal(s3.delete_bucket, Bucket="bucket") == (409, "BucketNotEmpty")
    assert refusal(s3.put_object, Bucket="bucket", Key="x" * 1000, Body=b"") == (400, "KeyTooLongError")
    assert refusal(s3.list_objects, Bucket="bucket", MaxKeys=-1) == (400, "InvalidArgument")
    assert refusal(s3.create_multipart_upload, Bucket="bucket", Key="k") == (405, "MethodNotAllowed")


def test_a_bucket_comes_and_goes(s3: Any) -> None:  # noqa: ANN401
    """A bucket is listed while it is there."""
    s3.create_bucket(Bucket="other")
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["bucket", "other"]
    s3.delete_bucket(Bucket="other")
    assert refusal(s3.head_bucket, Bucket="other") == (404, "404")
