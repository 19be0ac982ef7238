"""Multipart uploads."""

import base64
import hashlib
import zlib
from typing import Any

import pytest

from tests.support.objectstore import Server, error_of

# ruff: noqa: ANN401, S324 - boto3 has no types; S3's entity tags are MD5 hashes

pytestmark = pytest.mark.slow  # parts have five megabytes

BIG = bytes(range(256)) * 20480  # 5 MiB, the smallest part that may be followed by another
SMALL = b"the last part"


def upload(s3: Any, target: dict[str, Any], *parts: bytes, **options: Any) -> list[dict[str, Any]]:
    """Upload parts and return what completes them."""
    done = [s3.upload_part(**target, PartNumber=number, Body=part, **options) for number, part in enumerate(parts, start=1)]
    sums = [{name: value for name, value in one.items() if name.startswith("Checksum")} for one in done]
    return [
        {"PartNumber": number, "ETag": one["ETag"], **extra} for number, (one, extra) in enumerate(zip(done, sums, strict=True), start=1)
    ]


def begin(s3: Any, bucket: str, **options: Any) -> dict[str, Any]:
    """Begin an upload and return the arguments that name it."""
    created = s3.create_multipart_upload(Bucket=bucket, Key="k", **options)
    return {"Bucket": bucket, "Key": "k", "UploadId": created["UploadId"]}


def test_parts_become_an_object(server: Server, s3: Any, bucket: str) -> None:
    """The object has the parts in order, and the headers, metadata and tags of the upload's beginning; each part is read alone."""
    target = begin(s3, bucket, ContentType="text/plain", Metadata={"a": "1"}, Tagging="b=2")
    parts = upload(s3, target, BIG, b"replaced")
    parts[1] = {"PartNumber": 2, "ETag": s3.upload_part(**target, PartNumber=2, Body=SMALL)["ETag"]}
    assert error_of(s3.get_object, Bucket=bucket, Key="k") == (404, "NoSuchKey")
    pages = s3.get_paginator("list_parts").paginate(**target, PaginationConfig={"PageSize": 1})
    assert [(part["PartNumber"], part["Size"]) for page in pages for part in page["Parts"]] == [(1, len(BIG)), (2, len(SMALL))]
    etag = s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})["ETag"]
    assert etag == f'"{hashlib.md5(hashlib.md5(BIG).digest() + hashlib.md5(SMALL).digest()).hexdigest()}-2"'
    found = s3.get_object(Bucket=bucket, Key="k")
    assert (found["Body"].read(), found["ETag"]) == (BIG + SMALL, etag)
    assert (found["ContentType"], found["Metadata"], found["TagCount"]) == ("text/plain", {"a": "1"}, 1)
    part = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert (part["Body"].read(), part["PartsCount"]) == (SMALL, 2)
    assert error_of(s3.get_object, Bucket=bucket, Key="k", PartNumber=3)[0] == 416
    assert error_of(s3.list_parts, **target) == (404, "NoSuchUpload")
    s3.delete_object(Bucket=bucket, Key="k")
    assert [*(server.folder / "contents").iterdir()] == []


def test_an_aborted_upload_leaves_nothing(server: Server, s3: Any, bucket: str) -> None:
    """Its parts are removed, and it cannot be used again; so is the upload of a bucket that is deleted."""
    target = begin(s3, bucket)
    parts = upload(s3, target, SMALL)
    s3.abort_multipart_upload(**target)
    assert error_of(s3.abort_multipart_upload, **target) == (404, "NoSuchUpload")
    assert error_of(s3.upload_part, **target, PartNumber=1, Body=b"") == (404, "NoSuchUpload")
    assert error_of(s3.complete_multipart_upload, **target, MultipartUpload={"Parts": parts}) == (404, "NoSuchUpload")
    upload(s3, begin(s3, bucket), SMALL)
    s3.delete_bucket(Bucket=bucket)
    assert [*(server.folder / "contents").iterdir()] == []


def test_a_wrong_completion_is_refused(s3: Any, bucket: str) -> None:
    """The upload stays as it was and can be completed rightly."""
    target = begin(s3, bucket)
    one, two = upload(s3, target, SMALL, SMALL)

    def error(*parts: dict[str, Any], **options: Any) -> tuple[int, str]:
        return error_of(s3.complete_multipart_upload, **target, MultipartUpload={"Parts": parts}, **options)

    assert error() == (400, "MalformedXML")
    assert error(one, {"PartNumber": 3, "ETag": two["ETag"]}) == (400, "InvalidPart")
    assert error({"PartNumber": 1, "ETag": '"0"'}) == (400, "InvalidPart")
    assert error(two, one) == (400, "InvalidPartOrder")
    assert error(one, one) == (400, "InvalidPartOrder")
    assert error(one, two) == (400, "EntityTooSmall")
    assert error(one, MpuObjectSize=5) == (400, "InvalidRequest")
    assert error(one, IfMatch='"0"') == (404, "NoSuchKey")
    assert error(one, ChecksumCRC32="AAAAAA==") == (400, "BadDigest")
    assert error_of(s3.upload_part, **target, PartNumber=0, Body=b"") == (400, "InvalidArgument")
    assert error_of(s3.upload_part, **target, PartNumber=10001, Body=b"") == (400, "InvalidArgument")
    s3.complete_multipart_upload(**target, MultipartUpload={"Parts": [one]})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == SMALL


def test_a_composite_checksum(s3: Any, bucket: str) -> None:
    """It is the checksum of the checksums of the parts; each part is compared when it arrives and when the upload is completed."""
    target = begin(s3, bucket, ChecksumAlgorithm="SHA256")
    parts = upload(s3, target, BIG, SMALL, ChecksumAlgorithm="SHA256")
    digest = base64.b64encode(hashlib.sha256(hashlib.sha256(BIG).digest() + hashlib.sha256(SMALL).digest()).digest()).decode()
    wrong = [{**parts[0], "ChecksumSHA256": "A" * 43 + "="}, parts[1]]
    assert error_of(s3.complete_multipart_upload, **target, MultipartUpload={"Parts": wrong}) == (400, "InvalidPart")
    done = s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
    assert (done["ChecksumSHA256"], done["ChecksumType"]) == (f"{digest}-2", "COMPOSITE")
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["ChecksumSHA256"] == f"{digest}-2"


def test_a_checksum_of_the_whole_object(s3: Any, bucket: str) -> None:
    """The checksum that the client announces at the end is compared with the whole content."""
    target = begin(s3, bucket, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    parts = {"Parts": upload(s3, target, BIG, SMALL, ChecksumAlgorithm="CRC32")}
    right = base64.b64encode(zlib.crc32(BIG + SMALL).to_bytes(4, "big")).decode()
    assert error_of(s3.complete_multipart_upload, **target, MultipartUpload=parts, ChecksumCRC32="AAAAAA==") == (400, "BadDigest")
    assert s3.complete_multipart_upload(**target, MultipartUpload=parts, ChecksumCRC32=right)["ChecksumCRC32"] == right
    assert s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["Body"].read() == BIG + SMALL


def test_a_damaged_part_is_refused(s3: Any, bucket: str) -> None:
    """A part with a wrong checksum is not stored."""
    target = begin(s3, bucket)
    assert error_of(s3.upload_part, **target, PartNumber=1, Body=b"x", ChecksumCRC32="AAAAAA==") == (400, "BadDigest")
    assert "Parts" not in s3.list_parts(**target)


def test_parts_are_copied_from_an_object(s3: Any, bucket: str) -> None:
    """A part may be an object or a range of one."""
    s3.put_object(Bucket=bucket, Key="source", Body=BIG + SMALL)
    target = begin(s3, bucket)
    source = {"Bucket": bucket, "Key": "source"}
    whole = s3.upload_part_copy(**target, PartNumber=1, CopySource=source)["CopyPartResult"]["ETag"]
    last = f"bytes={len(BIG)}-{len(BIG) + 2}"
    part = s3.upload_part_copy(**target, PartNumber=2, CopySource=source, CopySourceRange=last)["CopyPartResult"]["ETag"]
    parts = [{"PartNumber": 1, "ETag": whole}, {"PartNumber": 2, "ETag": part}]
    s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == BIG + SMALL + b"the"
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == BIG + SMALL + b"the"
