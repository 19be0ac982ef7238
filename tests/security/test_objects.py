"""Another user of the machine, or of the cloud, in front of the object store."""

# ruff: noqa: ANN401 - boto3 has no types

import hashlib
import hmac
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.keystone import FakeKeystone, Pair, serving_keystone
from tests.support.objectstore import SECRET, Server, error_of, serving
from tests.support.s3_signer import sign
from workflows.services.objectstore.s3_server.routes import ROUTES

pytestmark = pytest.mark.slow

PATHS = {"service": "/", "bucket": "/bucket", "object": "/bucket/key"}
ALICE, BOB = Pair("alice", "secret-of-alice", "one"), Pair("bob", "secret-of-bob", "two")
DENIED = 403, "AccessDenied"
CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture(scope="module")
def keystone() -> Iterator[FakeKeystone]:
    """Return a keystone with the keys of two users of two projects."""
    with serving_keystone() as running:
        running.add(ALICE, BOB)
        yield running


@pytest.fixture(scope="module")
def server(keystone: FakeKeystone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return an object store."""
    with serving(tmp_path_factory.mktemp("objectstore") / "data", keystone=keystone.account) as running:
        yield running


@pytest.fixture(scope="module")
def admin(server: Server) -> Iterator[Any]:
    """Return the administrator's client; it has stored `content` in `bucket`."""
    with server.client() as client:
        client.create_bucket(Bucket="bucket")
        client.put_object(Bucket="bucket", Key="key", Body=b"content")
        yield client


@pytest.fixture(scope="module")
def alice(server: Server, admin: Any) -> Iterator[Any]:
    """Return the client of a user of another project than the administrator's."""
    assert admin
    with server.client(ALICE.access, ALICE.secret) as client:
        yield client


@pytest.fixture(scope="module")
def bob(server: Server) -> Iterator[Any]:
    """Return the client of a user of a third project."""
    with server.client(BOB.access, BOB.secret) as client:
        yield client


def code_of(response: httpx.Response) -> tuple[int, str]:
    """Return status and code of an error."""
    return response.status_code, response.text.partition("<Code>")[2].partition("</Code>")[0]


def content_of(client: Any) -> bytes:
    """Return the content of the object that the tests try to change."""
    found: bytes = client.get_object(Bucket="bucket", Key="key")["Body"].read()
    return found


def test_an_anonymous_client_is_refused(server: Server, admin: Any) -> None:
    """Every operation of the object store is refused without a signature, and nothing has changed."""
    for route in ROUTES:
        url = f"{server.url}{PATHS[route.kind]}?{'&'.join(sorted(route.needs))}"
        response = httpx.request(route.method, url, content=b"other" if route.method in {"PUT", "POST"} else None)
        assert code_of(response) == ((403, "") if route.method == "HEAD" else DENIED)
    assert content_of(admin) == b"content"


def test_a_wrong_key_is_refused(server: Server) -> None:
    """Neither an unknown access key nor a wrong secret key is accepted, in either version of signatures."""
    for version in ("s3v4", "s3"):
        for access, secret, code in (
            ("any", "any", "InvalidAccessKeyId"),
            ("x" * 500, "any", "InvalidAccessKeyId"),
            (ALICE.access, BOB.secret, "SignatureDoesNotMatch"),
        ):
            with server.client(access, secret, signature_version=version) as client:
                assert error_of(client.list_buckets) == (403, code)


def test_the_objects_of_another_project_are_refused(admin: Any, alice: Any) -> None:
    """A user sees no bucket of another project, and can neither read, write, copy, list nor delete in it."""
    place = {"Bucket": "bucket", "Key": "key"}
    assert "bucket" not in [found["Name"] for found in alice.list_buckets()["Buckets"]]
    assert error_of(alice.head_bucket, Bucket="bucket")[0] == 403
    for call, arguments in (
        (alice.get_object, place), (alice.put_object, {**place, "Body": b"other"}), (alice.delete_object, place),
        (alice.list_objects_v2, {"Bucket": "bucket"}), (alice.list_multipart_uploads, {"Bucket": "bucket"}),
        (alice.get_bucket_location, {"Bucket": "bucket"}), (alice.delete_bucket, {"Bucket": "bucket"}),
        (alice.get_object_tagging, place), (alice.put_object_tagging, {**place, "Tagging": {"TagSet": []}}),
        (alice.create_multipart_upload, place), (alice.delete_objects, {"Bucket": "bucket", "Delete": {"Objects": [{"Key": "key"}]}}),
    ):  # fmt: skip
        assert error_of(call, **arguments) == DENIED
    assert error_of(alice.create_bucket, Bucket="bucket") == (409, "BucketAlreadyExists")
    alice.create_bucket(Bucket="alice")
    assert error_of(alice.copy_object, Bucket="alice", Key="copy", CopySource=place) == DENIED
    upload = {"Bucket": "alice", "Key": "copy", "UploadId": alice.create_multipart_upload(Bucket="alice", Key="copy")["UploadId"]}
    assert error_of(alice.upload_part_copy, **upload, PartNumber=1, CopySource=place) == DENIED
    assert content_of(admin) == b"content"


def test_the_upload_of_another_project_is_refused(admin: Any, alice: Any) -> None:
    """The id of an upload does not help: its bucket belongs to another project."""
    upload = {"Bucket": "bucket", "Key": "parts", "UploadId": admin.create_multipart_upload(Bucket="bucket", Key="parts")["UploadId"]}
    assert error_of(alice.upload_part, **upload, PartNumber=1, Body=b"other") == DENIED
    assert error_of(alice.list_parts, **upload) == DENIED
    assert error_of(alice.abort_multipart_upload, **upload) == DENIED
    admin.abort_multipart_upload(**upload)


def test_a_bucket_that_changes_its_owner_is_not_written(server: Server, alice: Any, bob: Any) -> None:
    """A long upload into a bucket, which is deleted and created by another project meanwhile, stores nothing."""
    alice.create_bucket(Bucket="contested")
    target, headers = sign("PUT", f"{server.url}/contested/key", {}, access=ALICE.access, secret=ALICE.secret)
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(server.address) as connection:
        connection.sendall(f"PUT {target.removeprefix(server.url)} HTTP/1.1\r\n{fields}Content-Length: 5\r\n\r\nhe".encode())
        alice.delete_bucket(Bucket="contested")
        bob.create_bucket(Bucket="contested")
        connection.sendall(b"llo")
        answer = connection.recv(10_000)
    assert answer.startswith((b"HTTP/1.1 403", b"HTTP/1.1 404"))
    assert bob.list_objects_v2(Bucket="contested")["KeyCount"] == 0


def test_a_changed_content_is_refused(server: Server, admin: Any) -> None:
    """A content with another hash than the signed one is not stored."""
    url, headers = sign("PUT", f"{server.url}/bucket/key", {}, payload=hashlib.sha256(b"right").hexdigest())
    assert code_of(httpx.put(url, content=b"wrong", headers=headers)) == (400, "XAmzContentSHA256Mismatch")
    assert content_of(admin) == b"content"
    assert httpx.put(url.replace("/key", "/key"), content=b"right", headers=headers).status_code == 200
    admin.put_object(Bucket="bucket", Key="key", Body=b"content")


@pytest.mark.parametrize("change", ["", "content", "signature", "missing", "order", "end"])
def test_changed_chunks_are_refused(server: Server, admin: Any, change: str) -> None:
    """Each chunk has its signature, and the last one, without content, too; unchanged chunks are stored."""
    headers = {"content-encoding": "aws-chunked", "x-amz-decoded-content-length": "10"}
    url, headers = sign("PUT", f"{server.url}/bucket/chunks", headers, payload=CHUNKS)
    chunks = [*sign_chunks(headers, b"first", b"other", b"")]
    if change == "content":
        chunks[1] = chunks[1].replace(b"other", b"OTHER")
    if change == "signature":
        chunks[1] = chunks[1].replace(b"chunk-signature=", b"chunk-signature=0")
    if change == "missing":
        chunks[1] = b"5\r\nother\r\n"
    if change == "order":
        chunks[:2] = reversed(chunks[:2])
    if change == "end":
        chunks[2] = b"0\r\n\r\n"
    response = httpx.put(url, content=b"".join(chunks), headers=headers)
    assert code_of(response) == ((403, "SignatureDoesNotMatch") if change else (200, ""))
    keys = [found["Key"] for found in admin.list_objects_v2(Bucket="bucket")["Contents"]]
    assert keys == (["key"] if change else ["chunks", "key"])
    admin.delete_object(Bucket="bucket", Key="chunks")


def sign_chunks(headers: dict[str, str], *contents: bytes) -> Iterator[bytes]:
    """Yield contents as signed chunks of the request with these headers."""
    key, scope = f"AWS4{SECRET}".encode(), headers["Authorization"].partition("Credential=")[2].partition(",")[0].partition("/")[2]
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = headers["Authorization"].rpartition("=")[2]
    for content in contents:
        hashes = f"{hashlib.sha256().hexdigest()}\n{hashlib.sha256(content).hexdigest()}"
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{headers['X-Amz-Date']}\n{scope}\n{signature}\n{hashes}"
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        yield b"%x;chunk-signature=%b\r\n%b\r\n" % (len(content), signature.encode(), content)


def test_an_address_is_refused_after_its_time(server: Server, admin: Any) -> None:
    """A presigned address of yesterday, and a request of yesterday that was recorded, are refused."""
    old, _ = sign("GET", f"{server.url}/bucket/key", expires_s=3600, at=YESTERDAY)
    assert code_of(httpx.get(old)) == DENIED
    with server.client(signature_version="s3") as client:
        url = client.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "key"}, ExpiresIn=-1)
    assert code_of(httpx.get(url)) == DENIED
    assert "Request has expired" in httpx.get(url).text
    recorded, headers = sign("DELETE", f"{server.url}/bucket/key", {}, at=YESTERDAY)
    assert code_of(httpx.delete(recorded, headers=headers)) == (403, "RequestTimeTooSkewed")
    assert content_of(admin) == b"content"


def test_a_presigned_address_does_only_what_it_was_signed_for(server: Server, admin: Any) -> None:
    """Another key, method, time or parameter is refused, and so is a header that would copy a secret object."""
    admin.put_object(Bucket="bucket", Key="secret", Body=b"secret")
    for version in ("s3v4", "s3"):
        with server.client(signature_version=version) as client:
            url = client.generate_presigned_url("put_object", Params={"Bucket": "bucket", "Key": "key"})
        name = "X-Amz-Expires=3600" if version == "s3v4" else url.partition("Expires=")[2].partition("&")[0]
        for other in (url.replace("/key?", "/secret?"), url.replace(name, name + "0"), f"{url}&partNumber=1&uploadId=x"):
            assert code_of(httpx.put(other, content=b"other"))[0] in {400, 403}
        assert code_of(httpx.delete(url)) == (403, "SignatureDoesNotMatch")
        assert code_of(httpx.put(url, headers={"x-amz-copy-source": "bucket/secret"}))[0] == 403
        assert code_of(httpx.put(f"{url}&x-amz-copy-source=bucket/secret"))[0] == 403
    assert content_of(admin) == b"content"
    admin.delete_object(Bucket="bucket", Key="secret")


def test_a_key_that_keystone_refuses_is_refused(server: Server, keystone: FakeKeystone) -> None:
    """The key of a user that is disabled, or that has no role in the project any more, is not accepted."""
    keystone.add(Pair("former", "secret", "one", enabled=False))
    with server.client("former", "secret") as client:
        assert error_of(client.list_buckets) == (403, "InvalidAccessKeyId")


def test_without_keystone_only_the_key_of_the_stack_is_accepted(tmp_path: Path) -> None:
    """A stack that has no keystone, and one whose keystone does not answer, refuse every other key; nothing is done."""
    nowhere = {"url": "http://127.0.0.1:1/v3", "user": "u", "password": "p", "project": "service", "domain": "default"}
    for account, error in ((None, (403, "InvalidAccessKeyId")), (nowhere, (503, "ServiceUnavailable"))):
        with serving(tmp_path / "data", keystone=account) as server, server.client() as admin:
            admin.put_object(Bucket=admin.create_bucket(Bucket="own")["Location"][1:], Key="key", Body=b"")
            with server.client(ALICE.access, ALICE.secret) as client:
                assert error_of(client.create_bucket, Bucket="other") == error
            assert [found["Name"] for found in admin.list_buckets()["Buckets"]] == ["own"]
            admin.delete_object(Bucket="own", Key="key")
            admin.delete_bucket(Bucket="own")


def test_the_open_object_store_is_open(tmp_path: Path) -> None:
    """NOVAFLOW_S3_ANONYMOUS=1: everyone uses every bucket, as nova.sh had it."""
    with serving(tmp_path / "data") as server, server.client() as admin:
        admin.create_bucket(Bucket="bucket")
    with serving(tmp_path / "data", anonymous=True) as server:
        assert httpx.put(f"{server.url}/bucket/key", content=b"content").status_code == 200
        with server.client("any", "any") as client:
            assert content_of(client) == b"content"


def test_a_user_cannot_fill_the_disk(keystone: FakeKeystone, tmp_path: Path) -> None:
    """Neither one large object, nor many small ones, nor parts of uploads that are never completed exceed the quota."""
    with serving(tmp_path / "data", keystone=keystone.account, quota=1000) as server, server.client(ALICE.access, ALICE.secret) as alice:
        alice.create_bucket(Bucket="alice")
        upload = {"Bucket": "alice", "Key": "parts", "UploadId": alice.create_multipart_upload(Bucket="alice", Key="parts")["UploadId"]}
        exceeded = 403, "QuotaExceeded"
        assert error_of(alice.put_object, Bucket="alice", Key="large", Body=b"x" * 1001) == exceeded
        for number in range(1, 5):
            alice.put_object(Bucket="alice", Key=str(number), Body=b"x" * 100)
            alice.upload_part(**upload, PartNumber=number, Body=b"x" * 150)
        assert error_of(alice.put_object, Bucket="alice", Key="one more", Body=b"x") == exceeded
        assert error_of(alice.upload_part, **upload, PartNumber=5, Body=b"x") == exceeded
        assert sum(path.stat().st_size for path in (tmp_path / "data/contents").iterdir()) == 1000
