"""Contents in chunks: those of HTTP, and those of S3's clients, signed, unsigned and with trailers."""

import base64
import hashlib
import io
import socket
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from botocore.httpchecksum import AwsChunkedWrapper, Sha256Checksum

from tests.support.objectstore import Server

# ruff: noqa: ANN401 - boto3 has no types

pytestmark = pytest.mark.slow  # each has a bucket on the disk
ANONYMOUS = True

CRC = base64.b64encode(zlib.crc32(b"hello world").to_bytes(4, "big")).decode()
SIGNED = b"5;chunk-signature=%b\r\nhello\r\n6;chunk-signature=%b\r\n world\r\n0;chunk-signature=%b\r\n" % ((b"0" * 64,) * 3)
UNSIGNED = b"5\r\nhello\r\n6\r\n world\r\n0\r\n"
TRAILER = b"x-amz-checksum-crc32:%b\r\n" % CRC.encode()
SIGNATURE = b"x-amz-trailer-signature:%b\r\n" % (b"0" * 64)
WITH_TRAILER = {"x-amz-trailer": "x-amz-checksum-crc32"}
VARIANTS = {
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD": (SIGNED + b"\r\n", {}),
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": (SIGNED + TRAILER + SIGNATURE + b"\r\n", WITH_TRAILER),
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER": (UNSIGNED + TRAILER + b"\r\n", WITH_TRAILER),
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD": (SIGNED + b"\r\n", {}),
    "": (UNSIGNED + b"\r\n", {"content-encoding": "aws-chunked"}),
}


def put(server: Server, bucket: str, content: bytes, **headers: str) -> tuple[int, str]:
    """Upload an object and return the status and, of an error, its code."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx.put(f"{server.url}/{bucket}/k", content=content, headers=sent)
    return response.status_code, response.text.partition("<Code>")[2].partition("</Code>")[0]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_chunks_of_a_client_are_decoded(server: Server, s3: Any, bucket: str, variant: str) -> None:
    """The content is stored without framing, signatures and trailers, and without the encoding `aws-chunked`."""
    content, headers = VARIANTS[variant]
    framing = {"x-amz-content-sha256": variant, "x-amz-decoded-content-length": "11", "content-encoding": "gzip,aws-chunked", **headers}
    assert put(server, bucket, content, **framing) == (200, "")
    found = s3.get_object(Bucket=bucket, Key="k")
    assert found["Body"].read() == b"hello world"
    assert found.get("ContentEncoding") == (None if variant == "" else "gzip")


@pytest.mark.parametrize(
    ("content", "length", "code"),
    [
        (UNSIGNED + b"\r\n", "10", (400, "IncompleteBody")),
        (UNSIGNED + b"\r\n", "12", (400, "IncompleteBody")),
        (UNSIGNED[:-3], "11", (400, "IncompleteBody")),
        (UNSIGNED[:10], "5", (400, "IncompleteBody")),
        (b"", "0", (400, "IncompleteBody")),
        (b"hello world", "11", (400, "IncompleteBody")),
        (b"hello\r\nworld", "11", (400, "InvalidRequest")),
        (b"-5\r\nhello\r\n0\r\n\r\n", "5", (400, "InvalidRequest")),
        (b"4\r\nhello\r\n0\r\n\r\n", "5", (400, "InvalidRequest")),
        (UNSIGNED + b"\r\n", "eleven", (400, "InvalidArgument")),
        (UNSIGNED + b"\r\n", "", (411, "MissingContentLength")),
    ],
)
def test_wrong_chunks_are_refused(server: Server, bucket: str, content: bytes, length: str, code: tuple[int, str]) -> None:
    """Content that is incomplete, too long or malformed is not stored."""
    headers = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD", "x-amz-decoded-content-length": length}
    assert put(server, bucket, content, **headers) == code
    assert httpx.get(f"{server.url}/{bucket}/k").status_code == 404


@pytest.mark.parametrize(
    ("trailer", "announced", "code"),
    [
        (b"x-amz-checksum-crc32:AAAAAA==\r\n", "x-amz-checksum-crc32", "BadDigest"),
        (b"", "x-amz-checksum-crc32", "MalformedTrailerError"),
        (TRAILER, "", "MalformedTrailerError"),
        (TRAILER, "x-amz-checksum-sha256", "MalformedTrailerError"),
        (b"x-amz-checksum-crc32:?\r\n", "x-amz-checksum-crc32", "InvalidRequest"),
    ],
)
def test_a_wrong_trailer_is_refused(server: Server, bucket: str, trailer: bytes, announced: str, code: str) -> None:
    """A trailing checksum is compared with the content; a missing one is an error."""
    headers = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": "11"}
    assert put(server, bucket, UNSIGNED + trailer + b"\r\n", **headers, x_amz_trailer=announced) == (400, code)
    assert httpx.get(f"{server.url}/{bucket}/k").status_code == 404


def test_the_chunks_of_http_are_decoded(server: Server, s3: Any, bucket: str) -> None:
    """A content without a length is stored whole; so are chunks of S3 inside those of HTTP."""

    def blocks() -> Iterator[bytes]:
        yield b"a" * 100_000
        yield b"b" * 3_000_000

    assert httpx.put(f"{server.url}/{bucket}/k", content=blocks()).status_code == 200
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"a" * 100_000 + b"b" * 3_000_000
    headers = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD", "x-amz-decoded-content-length": "11"}
    assert httpx.put(f"{server.url}/{bucket}/k", content=iter([UNSIGNED[:7], UNSIGNED[7:] + b"\r\n"]), headers=headers).status_code == 200
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"hello world"


@pytest.mark.parametrize("framing", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
def test_an_upload_that_is_cut_off_stores_nothing(server: Server, s3: Any, bucket: str, framing: bytes) -> None:
    """The old object stays as it was, and nothing of the new one is left on the disk."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    before = {*(server.folder / "contents").iterdir()}
    with socket.create_connection(server.address) as connection:
        connection.sendall(b"PUT /%b/k HTTP/1.1\r\nHost: x\r\n%b\r\n\r\n64\r\nnew" % (bucket.encode(), framing))
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1000).startswith(b"HTTP/1.1 400") or framing.endswith(b"chunked")
        while connection.recv(1000):
            pass
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"old"
    assert {*(server.folder / "contents").iterdir()} == before


def test_the_chunks_of_botocore_are_decoded(server: Server, s3: Any, bucket: str) -> None:
    """The encoder of Amazon's client, which sends a trailing checksum over HTTPS."""
    content = b"x" * 3_000_001
    encoded = AwsChunkedWrapper(io.BytesIO(content), checksum_cls=Sha256Checksum, checksum_name="x-amz-checksum-sha256").read()
    framing = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": "3000001"}
    assert put(server, bucket, encoded, **framing, x_amz_trailer="x-amz-checksum-sha256") == (200, "")
    found = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert found["Body"].read() == content
    assert found["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(content).digest()).decode()
