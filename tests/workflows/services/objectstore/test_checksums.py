"""Checksums of contents: wrong ones are refused and nothing is stored."""

import base64
import hashlib
import zlib
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from awscrt import checksums as crt

from tests.support.objectstore import Server, error_of

# ruff: noqa: ANN401, S324 - boto3 has no types; S3 has MD5 and SHA-1

pytestmark = pytest.mark.slow  # each has a bucket on the disk
ANONYMOUS = True

CONTENT = b"123456789" * 1000
DIGESTS = {
    "crc32": zlib.crc32(CONTENT).to_bytes(4, "big"),
    "crc32c": crt.crc32c(CONTENT).to_bytes(4, "big"),
    "crc64nvme": crt.crc64nvme(CONTENT).to_bytes(8, "big"),
    "md5": hashlib.md5(CONTENT).digest(),
    "sha1": hashlib.sha1(CONTENT).digest(),
    "sha256": hashlib.sha256(CONTENT).digest(),
    "sha512": hashlib.sha512(CONTENT).digest(),
    "xxhash3": crt.XXHash.compute_xxhash3_64(CONTENT),
    "xxhash64": crt.XXHash.compute_xxhash64(CONTENT),
    "xxhash128": crt.XXHash.compute_xxhash3_128(CONTENT),
}


def put(server: Server, bucket: str, headers: Mapping[str, str], *, content: bytes = CONTENT) -> tuple[int, str]:
    """Upload an object and return the status and, of an error, its code."""
    response = httpx.put(f"{server.url}/{bucket}/k", content=content, headers=headers)
    return response.status_code, response.text.partition("<Code>")[2].partition("</Code>")[0]


@pytest.mark.parametrize("name", DIGESTS)
def test_a_checksum_is_verified_and_returned(server: Server, s3: Any, bucket: str, name: str) -> None:
    """The right one is stored with the object; a wrong one leaves the old object as it was."""
    right = base64.b64encode(DIGESTS[name]).decode()
    wrong = base64.b64encode(bytes(len(DIGESTS[name]))).decode()
    assert put(server, bucket, {f"x-amz-checksum-{name}": wrong}) == (400, "BadDigest")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert put(server, bucket, {f"x-amz-checksum-{name}": right}) == (200, "")
    assert put(server, bucket, {f"x-amz-checksum-{name}": right}, content=b"other") == (400, "BadDigest")
    found = httpx.get(f"{server.url}/{bucket}/k", headers={"x-amz-checksum-mode": "ENABLED"})
    assert (found.content, found.headers[f"x-amz-checksum-{name}"], found.headers["x-amz-checksum-type"]) == (CONTENT, right, "FULL_OBJECT")
    assert f"x-amz-checksum-{name}" not in httpx.get(f"{server.url}/{bucket}/k").headers


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Content-MD5": base64.b64encode(bytes(16)).decode()}, "BadDigest"),
        ({"Content-MD5": "no Base64"}, "InvalidDigest"),
        ({"Content-MD5": "AAAA"}, "InvalidDigest"),
        ({"x-amz-content-sha256": "0" * 64}, "XAmzContentSHA256Mismatch"),
        ({"x-amz-checksum-crc32": "AAAA"}, "InvalidRequest"),
        ({"x-amz-checksum-sha256": "?"}, "InvalidRequest"),
        ({"x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-sha1": "A" * 27 + "="}, "InvalidRequest"),
    ],
)
def test_a_wrong_or_malformed_checksum_is_refused(server: Server, s3: Any, bucket: str, headers: dict[str, str], code: str) -> None:
    """Nothing is stored."""
    assert put(server, bucket, headers) == (400, code)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_an_unknown_checksum_is_refused(server: Server, bucket: str) -> None:
    """A checksum that the object store cannot verify is not ignored."""
    assert put(server, bucket, {"x-amz-checksum-blake3": "AAAA"}) == (501, "NotImplemented")


def test_a_hoisted_checksum_is_verified(server: Server, bucket: str) -> None:
    """A presigned address contains headers as parameters; they count the same."""
    response = httpx.put(f"{server.url}/{bucket}/k?X-Amz-Checksum-Crc32=AAAAAA%3D%3D&X-Amz-Signature=0", content=CONTENT)
    assert (response.status_code, "BadDigest" in response.text) == (400, True)


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_boto3_sends_and_verifies_checksums(s3: Any, bucket: str, algorithm: str) -> None:
    """boto3 announces a checksum and compares that of the response."""
    put = s3.put_object(Bucket=bucket, Key="k", Body=CONTENT, ChecksumAlgorithm=algorithm)
    found = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert found["Body"].read() == CONTENT
    assert found[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"] == base64.b64encode(DIGESTS[algorithm.lower()]).decode()
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k", ChecksumAlgorithm="SHA512")
    assert copied["CopyObjectResult"]["ChecksumSHA512"] == base64.b64encode(DIGESTS["sha512"]).decode()


def test_a_document_is_verified(server: Server, s3: Any, bucket: str) -> None:
    """A deletion whose document is damaged on the way deletes nothing."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    document = b"<Delete><Object><Key>k</Key></Object></Delete>"
    response = httpx.post(f"{server.url}/{bucket}?delete", content=document, headers={"x-amz-checksum-crc32": "AAAAAA=="})
    assert (response.status_code, "BadDigest" in response.text) == (400, True)
    assert httpx.post(f"{server.url}/{bucket}?delete", content=b"<Delete><Obj").status_code == 400
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    assert error_of(s3.delete_objects, Bucket=bucket, Delete={"Objects": []}) == (400, "MalformedXML")
