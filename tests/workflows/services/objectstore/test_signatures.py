"""Signatures of both versions: Amazon's own examples, and every operation signed by Amazon's clients."""

import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from botocore.httpchecksum import AwsChunkedWrapper, Sha256Checksum

from tests.support.objectstore import Server
from tests.support.s3_signer import sign
from workflows.services.objectstore.s3_server.authentication import authenticate
from workflows.services.objectstore.s3_server.chunk_signatures import EMPTY, ChunkSignatures
from workflows.services.objectstore.s3_server.errors import S3Error
from workflows.services.objectstore.s3_server.http import Request
from workflows.services.objectstore.s3_server.keys import Key, Keys
from workflows.services.objectstore.s3_server.routes import ROUTES

# ruff: noqa: ANN401 - boto3 has no types

KEYS = Keys(Key("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "project"), lambda _: None)
DAY = datetime(2013, 5, 24, tzinfo=UTC)
SCOPE = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
V4 = {"host": "examplebucket.s3.amazonaws.com", "x-amz-date": "20130524T000000Z", "x-amz-content-sha256": EMPTY}
WELCOME = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
PRESIGNED = (
    "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
    "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
)
PRESIGNED_V2 = (
    "/johnsmith/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620"
)


def read(method: str, target: str, headers: Mapping[str, str]) -> Request:
    """Return a request as the server reads it."""
    path, _, query = target.partition("?")
    environ = {"REQUEST_METHOD": method, "RAW_URI": target, "PATH_INFO": path, "QUERY_STRING": query, "wsgi.input": io.BytesIO()}
    names = {name: name.upper().replace("-", "_") for name in headers}
    environ |= {names[name] if name == "content-type" else f"HTTP_{names[name]}": value for name, value in headers.items()}
    return Request.read(environ)


def refusal(method: str, target: str, headers: Mapping[str, str], now: datetime) -> tuple[int, str]:
    """Return status and code of the error of a request."""
    with pytest.raises(S3Error) as raised:
        authenticate(read(method, target, headers), KEYS, now)
    return raised.value.status, raised.value.code


@pytest.mark.parametrize(
    ("method", "target", "headers", "signature"),
    [
        ("GET", "/test.txt", {"range": "bytes=0-9"}, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        ("GET", "/?lifecycle", {}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("GET", "/?max-keys=2&prefix=J", {}, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
        (
            "PUT",
            "/test$file.text",
            {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY", "x-amz-content-sha256": WELCOME},
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
    ],
)
def test_amazons_examples_of_version_4(method: str, target: str, headers: dict[str, str], signature: str) -> None:
    """Each request of Amazon's documentation is accepted, and one with another signature is not."""
    sent = {**V4, **headers}
    authorization = f"AWS4-HMAC-SHA256 Credential={SCOPE},SignedHeaders={';'.join(sorted(sent))},Signature="
    _, project = authenticate(read(method, target, {**sent, "authorization": authorization + signature}), KEYS, DAY)
    assert project == "project"
    other = {**sent, "authorization": authorization + signature[::-1]}
    assert refusal(method, target, other, DAY) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    ("method", "target", "headers", "signature"),
    [
        ("GET", "/johnsmith/photos/puppy.jpg", {"date": "Tue, 27 Mar 2007 19:36:42 +0000"}, "bWq2s1WEIj+Ydj0vQ697zp+IXMU="),
        (
            "PUT",
            "/johnsmith/photos/puppy.jpg",
            {"date": "Tue, 27 Mar 2007 21:15:45 +0000", "content-type": "image/jpeg"},
            "MyyxeRY7whkBe+bq8fHCL/2kKUg=",
        ),
        ("GET", "/johnsmith/?acl", {"date": "Tue, 27 Mar 2007 19:44:46 +0000"}, "c2WLPFtWHVgbEmeEG93a4cG37dM="),
    ],
)
def test_amazons_examples_of_version_2(method: str, target: str, headers: dict[str, str], signature: str) -> None:
    """Each request of Amazon's documentation is accepted, and one with another signature is not."""
    now = datetime(2007, 3, 27, 19, 40, tzinfo=UTC) if method == "GET" else datetime(2007, 3, 27, 21, 20, tzinfo=UTC)
    accepted = {**headers, "authorization": f"AWS AKIAIOSFODNN7EXAMPLE:{signature}"}
    assert authenticate(read(method, target, accepted), KEYS, now)[1] == "project"
    refused = {**headers, "authorization": f"AWS AKIAIOSFODNN7EXAMPLE:{signature[::-1]}"}
    assert refusal(method, target, refused, now) == (403, "SignatureDoesNotMatch")


def test_amazons_presigned_addresses() -> None:
    """Both are accepted until they expire, and the one of version 4 not before its time."""
    host = {"host": V4["host"]}
    assert authenticate(read("GET", PRESIGNED, host), KEYS, DAY + timedelta(hours=24))[1] == "project"
    assert refusal("GET", PRESIGNED, host, DAY + timedelta(hours=24, seconds=1)) == (403, "AccessDenied")
    assert refusal("GET", PRESIGNED, host, DAY - timedelta(minutes=16)) == (403, "AccessDenied")
    until = datetime.fromtimestamp(1175139620, UTC)
    assert authenticate(read("GET", PRESIGNED_V2, host), KEYS, until)[1] == "project"
    assert refusal("GET", PRESIGNED_V2, host, until + timedelta(seconds=1)) == (403, "AccessDenied")


def test_amazons_example_of_signed_chunks() -> None:
    """The chunks of 64 KiB, 1 KiB and 0 bytes of `a`, and the trailer, have the signatures of Amazon's documentation."""
    key = bytes.fromhex("dbb893acc010964918f1fd433add87c70e8b0db6be30c1fbeafefa5ec6ba8378")  # of the example
    origin = "20130524T000000Z\n20130524/us-east-1/s3/aws4_request"
    first = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
    chunks = ChunkSignatures(key, origin, first, has_trailer=True)
    chunks.check_chunk(
        "bf718b6f653bebc184e1479f1935b8da974d701b893afcf49e701f3e2f9f9c5a",
        "chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    )
    chunks.check_chunk(
        "2edc986847e209b4016e141a6dc8716d3207350f416969382d431539bf292e4a",
        "chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    )
    chunks.check_chunk(EMPTY, "chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992")
    chunks.check_trailers(
        {
            "x-amz-checksum-crc32c": "sOO8/Q==",
            "x-amz-trailer-signature": "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435",
        }
    )


@pytest.mark.parametrize(
    ("authorization", "error"),
    [
        ("", (403, "AccessDenied")),
        ("Bearer token", (400, "InvalidRequest")),
        ("AWS4-ECDSA-P256-SHA256 Credential=x", (400, "InvalidRequest")),
        ("AWS4-HMAC-SHA256", (400, "InvalidRequest")),
        ("AWS4-HMAC-SHA256 ", (400, "AuthorizationHeaderMalformed")),
        (f"AWS4-HMAC-SHA256 Credential={SCOPE},SignedHeaders=host", (400, "AuthorizationHeaderMalformed")),
        (f"AWS4-HMAC-SHA256 Credential={SCOPE},SignedHeaders=x,Signature=0", (400, "AuthorizationHeaderMalformed")),
        (f"AWS4-HMAC-SHA256 Credential={SCOPE.replace('24', '25')},SignedHeaders=host,Signature=0", (400, "AuthorizationHeaderMalformed")),
        (f"AWS4-HMAC-SHA256 Credential={SCOPE.replace('s3', 'ec2')},SignedHeaders=host,Signature=0", (400, "AuthorizationHeaderMalformed")),
        (f"AWS4-HMAC-SHA256 Credential=other{SCOPE},SignedHeaders=host,Signature=0", (403, "InvalidAccessKeyId")),
        (f"AWS4-HMAC-SHA256 Credential={SCOPE},SignedHeaders=host,Signature=ü", (403, "SignatureDoesNotMatch")),
        ("AWS", (400, "InvalidRequest")),
        ("AWS :", (400, "InvalidArgument")),
        ("AWS key:x", (403, "InvalidAccessKeyId")),
        ("AWS AKIAIOSFODNN7EXAMPLE:ü", (403, "SignatureDoesNotMatch")),
    ],
)
def test_a_malformed_authorization_is_refused(authorization: str, error: tuple[int, str]) -> None:
    """The error has S3's code."""
    sent = {**V4, "date": "Fri, 24 May 2013 00:00:00 GMT"} | ({"authorization": authorization} if authorization else {})
    assert refusal("GET", "/", sent | ({} if "256" in authorization else {"x-amz-date": sent["date"]}), DAY) == error


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("AWS4-HMAC", "AWS4-ECDSA", (400, "AuthorizationQueryParametersError")),
        ("Expires=86400", "Expires=604801", (400, "AuthorizationQueryParametersError")),
        ("Expires=86400", "Expires=0", (400, "AuthorizationQueryParametersError")),
        ("Expires=86400", "Expires=86401", (403, "SignatureDoesNotMatch")),
        ("Date=20130524T000000Z", "Date=20130524", (403, "AccessDenied")),
        ("Date=20130524T000000Z", "Date=20130525T000000Z", (400, "AuthorizationQueryParametersError")),
        ("/test.txt", "/Test.txt", (403, "SignatureDoesNotMatch")),
        ("test.txt?", "test.txt?x=y&", (403, "SignatureDoesNotMatch")),
        ("&X-Amz-Signature", "&AWSAccessKeyId=x&X-Amz-Signature", (400, "InvalidArgument")),
    ],
)
def test_a_changed_address_is_refused(old: str, new: str, error: tuple[int, str]) -> None:
    """Each part of a presigned address is signed, or its value is limited."""
    assert refusal("GET", PRESIGNED.replace(old, new), {"host": V4["host"]}, DAY) == error


def test_a_request_of_another_time_is_refused() -> None:
    """A header is valid for 15 minutes before and after the time of the server."""
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={SCOPE},SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
        "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    )
    request = "/?max-keys=2&prefix=J", {**V4, "authorization": authorization}
    assert authenticate(read("GET", *request), KEYS, DAY + timedelta(minutes=15))[1] == "project"
    for minutes in (16, -16):
        assert refusal("GET", *request, DAY + timedelta(minutes=minutes)) == (403, "RequestTimeTooSkewed")
    old = {"date": "Tue, 27 Mar 2007 19:36:42 +0000", "authorization": "AWS AKIAIOSFODNN7EXAMPLE:bWq2s1WEIj+Ydj0vQ697zp+IXMU="}
    assert refusal("GET", "/johnsmith/photos/puppy.jpg", old, DAY) == (403, "RequestTimeTooSkewed")
    assert refusal("GET", "/", {"authorization": "AWS x:y", "date": "today"}, DAY) == (403, "AccessDenied")


def routes_of(requests: list[tuple[str, str]]) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Yield method, kind and selecting parameters of requests, which are methods and addresses."""
    for method, url in requests:
        place = urlsplit(url)
        kind = ("service", "bucket", "object")[min(2, len([part for part in place.path.split("/", 2) if part]))]
        names = {name for name, _ in parse_qsl(place.query, keep_blank_values=True)}
        found = [route for route in ROUTES if (route.method, route.kind) == (method, kind) and route.needs <= names]
        best = max(found, key=lambda route: len(route.needs))
        yield best.method, best.kind, best.needs


@pytest.mark.slow
@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_every_operation_is_signed(server: Server, version: str) -> None:
    """boto3 with either version of signatures uses every operation of the object store, with keys that need encoding."""
    seen: list[tuple[str, str]] = []
    bucket, key = f"all-{version}", "a b+c/ü&=?"
    with server.client(signature_version=version) as s3:
        s3.meta.events.register("before-send.s3", lambda request, **_: seen.append((request.method, request.url)))
        use_every_operation(s3, bucket, key)
    assert {*routes_of(seen)} == {(route.method, route.kind, route.needs) for route in ROUTES}


def use_every_operation(s3: Any, bucket: str, key: str) -> None:
    """Use every operation of the object store in a new bucket, which is deleted again."""
    place = {"Bucket": bucket, "Key": key}
    s3.create_bucket(Bucket=bucket)
    s3.head_bucket(Bucket=bucket)
    assert bucket in [found["Name"] for found in s3.list_buckets(Prefix=bucket[:3])["Buckets"]]
    s3.get_bucket_location(Bucket=bucket)
    s3.get_bucket_versioning(Bucket=bucket)
    s3.put_object(**place, Body=b"0123456789", Metadata={"a": "one  two"}, ContentType="text/plain", Tagging="a=1")
    assert s3.head_object(**place)["Metadata"] == {"a": "one  two"}
    assert s3.get_object(**place, Range="bytes=2-3", ResponseContentType="image/png")["ContentType"] == "image/png"
    s3.put_object_tagging(**place, Tagging={"TagSet": [{"Key": "b", "Value": "2"}]})
    assert s3.get_object_tagging(**place)["TagSet"] == [{"Key": "b", "Value": "2"}]
    s3.delete_object_tagging(**place)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=place)
    upload = {"UploadId": s3.create_multipart_upload(**place)["UploadId"], **place}
    assert [found["Key"] for found in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [key]
    tag = s3.upload_part(**upload, PartNumber=1, Body=b"part")["ETag"]
    assert [part["ETag"] for part in s3.list_parts(**upload)["Parts"]] == [tag]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})
    s3.abort_multipart_upload(**place, UploadId=s3.create_multipart_upload(**place)["UploadId"])
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="a b", Delimiter="/", FetchOwner=True)
    assert [found["Prefix"] for found in listed["CommonPrefixes"]] == ["a b+c/"]
    assert {found["Owner"]["ID"] for found in s3.list_objects(Bucket=bucket)["Contents"]} == {"admin"}
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "copy"}]})
    s3.delete_object(**place)
    s3.delete_bucket(Bucket=bucket)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_presigned_addresses_with_headers(server: Server, s3: Any, bucket: str, version: str) -> None:
    """The metadata and the type of a presigned upload are signed; other values are refused."""
    with server.client(signature_version=version) as signing:
        place = {"Bucket": bucket, "Key": "ü +"}
        url = signing.generate_presigned_url("put_object", Params={**place, "ContentType": "text/plain", "Metadata": {"a": "1"}})
        headers = {} if version == "s3" else {"Content-Type": "text/plain", "x-amz-meta-a": "1"}
        assert httpx.put(url, content=b"hello", headers=headers).status_code == 200
        assert httpx.put(url, content=b"hello", headers={**headers, "x-amz-meta-a": "2"}).status_code == 403
        assert httpx.put(url, content=b"hello", headers={**headers, "Content-Type": "image/png"}).status_code == 403
        found = signing.generate_presigned_url("get_object", Params={**place, "ResponseContentType": "image/png"})
        assert httpx.get(found).headers["Content-Type"] == "image/png"
        assert httpx.get(found.replace("png", "gif")).status_code == 403
    kept = s3.get_object(**place)
    assert (kept["Body"].read(), kept["ContentType"], kept["Metadata"]) == (b"hello", "text/plain", {"a": "1"})


@pytest.mark.slow
def test_amazons_c_library_signs_requests(server: Server, s3: Any, bucket: str) -> None:
    """Another implementation than boto3's, whose signatures contain the length of the content, is understood."""
    url = f"{server.url}/{bucket}/%C3%BC%20~%2B%21"
    signed, headers = sign("PUT", url, {"content-length": "5", "x-amz-meta-a": "one   two"})
    assert httpx.put(signed, content=b"hello", headers=headers).status_code == 200
    presigned, headers = sign("GET", url, expires_s=60)
    assert httpx.get(presigned, headers=headers).content == b"hello"
    assert s3.get_object(Bucket=bucket, Key="ü ~+!")["Metadata"] == {"a": "one   two"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("payload", "error"),
    [
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", (200, "")),
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", (403, "SignatureDoesNotMatch")),
        ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", (501, "NotImplemented")),
        ("STREAMING-UNSIGNED-PAYLOAD", (400, "InvalidArgument")),
        ("0", (400, "InvalidArgument")),
    ],
)
def test_chunks_without_signatures(server: Server, bucket: str, payload: str, error: tuple[int, str]) -> None:
    """They are accepted, with a trailing checksum as boto3 sends it, only where the signed header says that they have none."""
    content = AwsChunkedWrapper(io.BytesIO(b"hello"), checksum_cls=Sha256Checksum, checksum_name="x-amz-checksum-sha256").read()
    sent = {"content-encoding": "aws-chunked", "x-amz-decoded-content-length": "5", "x-amz-trailer": "x-amz-checksum-sha256"}
    url, headers = sign("PUT", f"{server.url}/{bucket}/k", sent, payload=payload)
    response = httpx.put(url, content=content, headers=headers)
    assert (response.status_code, response.text.partition("<Code>")[2].partition("</Code>")[0]) == error
