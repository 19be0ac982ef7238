"""What the object store does not support is refused before anything is read or changed."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore
import httpx
import pytest

from tests.support.objectstore import Server, error_of

# ruff: noqa: ANN401 - boto3 has no types

pytestmark = pytest.mark.slow  # each has a bucket on the disk
ANONYMOUS = True

MODEL = Path(botocore.__file__).parent / "data/s3/2006-03-01/service-2.json.gz"
DONE = {
    *("GET bucket ?location", "GET bucket ?versioning", "GET bucket ?uploads", "POST bucket ?delete"),
    *("GET object ?tagging", "PUT object ?tagging", "DELETE object ?tagging", "POST object ?uploads"),
    "GET bucket ?list-type=2",
}


def sub_resources() -> Iterator[str]:
    """Yield method, kind and query of each operation of S3's API that a parameter selects."""
    for operation in json.loads(gzip.decompress(MODEL.read_bytes()))["operations"].values():
        path, _, query = operation["http"]["requestUri"].partition("?")
        if query:
            yield f"{operation['http']['method']} {'object' if 'Key' in path else 'bucket'} ?{query}"


METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD")
QUERIES = {call.partition("?")[2] for call in sub_resources()} | {"unknown", "versionId=1", "tagging&unknown", "policy=", "ACL"}


def test_the_list_of_operations_is_that_of_s3() -> None:
    """The operations that the next test omits, and those that clients use most, are in the list of S3's API."""
    assert DONE | {"PUT object ?acl", "DELETE bucket ?policy", "GET bucket ?lifecycle"} <= {*sub_resources()}


@pytest.mark.parametrize("kind", ["bucket", "object"])
@pytest.mark.parametrize("method", METHODS)
def test_a_sub_resource_is_refused(server: Server, s3: Any, bucket: str, method: str, kind: str) -> None:
    """Every method with every sub-resource of S3 or an unknown one is 501, and neither the object nor the bucket is changed."""
    s3.put_object(Bucket=bucket, Key="key", Body=b"content", Metadata={"a": "1"}, Tagging="b=2")
    url, content = f"{server.url}/{bucket}{'/key' if kind == 'object' else ''}", b"<Other/>" if method in {"PUT", "POST"} else b""
    refused = [f"?{query}" for query in sorted(QUERIES) if f"{method} {kind} ?{query}" not in DONE]
    with httpx.Client() as client:
        responses = [client.request(method, url + query, content=content) for query in refused]
    assert {response.status_code for response in responses} == {501}
    assert all("<Code>NotImplemented</Code>" in response.text for response in responses) == (method != "HEAD")
    found = s3.get_object(Bucket=bucket, Key="key")
    assert (found["Body"].read(), found["Metadata"], found["TagCount"]) == (b"content", {"a": "1"}, 1)


def test_the_clients_see_not_implemented(s3: Any, bucket: str) -> None:
    """boto3 understands the error."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"content")
    assert error_of(s3.delete_bucket_policy, Bucket=bucket) == (501, "NotImplemented")
    assert error_of(s3.put_object_acl, Bucket=bucket, Key="k", ACL="private") == (501, "NotImplemented")
    assert error_of(s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}) == (501, "NotImplemented")
    assert error_of(s3.get_object, Bucket=bucket, Key="k", VersionId="1") == (501, "NotImplemented")


@pytest.mark.parametrize(
    "options",
    [
        {"ServerSideEncryption": "AES256"},
        {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": "2040-01-01"},
        {"WebsiteRedirectLocation": "/other"},
        {"GrantRead": "id=1"},
        {"ACL": "public-read"},
        {"ExpectedBucketOwner": "123456789012"},
        {"WriteOffsetBytes": 1},
        {"IfNoneMatch": '"0"'},
    ],
    ids=lambda options: next(iter(options)),
)
def test_a_demand_that_is_not_met_is_refused(s3: Any, bucket: str, options: dict[str, Any]) -> None:
    """An object that must be encrypted, locked or public is not stored without that."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    assert error_of(s3.put_object, Bucket=bucket, Key="k", Body=b"new", **options) == (501, "NotImplemented")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"old"


def test_other_methods_are_not_allowed(server: Server, bucket: str) -> None:
    """A method that S3 does not have is refused."""
    for path in ("/", f"/{bucket}", f"/{bucket}/key"):
        assert httpx.request("PATCH", server.url + path).status_code == 405


def test_a_storage_class_is_refused(s3: Any, bucket: str) -> None:
    """There is one storage class."""
    assert error_of(s3.put_object, Bucket=bucket, Key="k", Body=b"", StorageClass="GLACIER") == (400, "InvalidStorageClass")
    s3.put_object(Bucket=bucket, Key="k", Body=b"", StorageClass="STANDARD", ACL="private")


def test_an_address_that_is_not_utf_8_is_refused(server: Server, bucket: str) -> None:
    """A key is never changed to one that can be decoded."""
    assert httpx.put(f"{server.url}/{bucket}/%ff", content=b"x").status_code == 400
    assert httpx.get(f"{server.url}/{bucket}?prefix=%ff").status_code == 400
