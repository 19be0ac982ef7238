"""The quota of the object store: how much each project can store."""

import re
import socket
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.support.keystone import FakeKeystone, Pair, serving_keystone
from tests.support.objectstore import Server, error_of, serving
from tests.support.s3_signer import sign
from workflows.services.objectstore.s3_server.body import BLOCK
from workflows.services.objectstore.s3_server.database import OWNERS, SCHEMA

# ruff: noqa: ANN401 - boto3 has no types

pytestmark = pytest.mark.slow  # parts have five megabytes

PART = b"p" * (5 << 20)  # the smallest part that may be followed by another
QUOTA = len(PART) + 1000
EXCEEDED = 403, "QuotaExceeded"
ALICE = Pair("alice", "secret-of-alice", "one")


@pytest.fixture(scope="module")
def keystone() -> Iterator[FakeKeystone]:
    """Return a keystone with the key of a user of a project."""
    with serving_keystone() as running:
        running.add(ALICE)
        yield running


@pytest.fixture
def server(keystone: FakeKeystone, tmp_path: Path) -> Iterator[Server]:
    """Return an object store with a quota of one part and a little more."""
    with serving(tmp_path / "data", keystone=keystone.account, quota=QUOTA) as running:
        yield running


@pytest.fixture
def s3(server: Server) -> Iterator[Any]:
    """Return a client with an empty bucket."""
    with server.client() as client:
        client.create_bucket(Bucket="bucket")
        yield client


def put(s3: Any, key: str, size: int) -> None:
    """Store an object of ``size`` bytes."""
    s3.put_object(Bucket="bucket", Key=key, Body=b"x" * size)


def free(s3: Any) -> int:
    """Return the number of bytes that can be stored, which is stored, with one byte more refused, and deleted."""
    with pytest.raises(ClientError) as raised:
        put(s3, "probe", QUOTA + 1)
    found = re.search(r"uses (\d+) of (\d+) bytes, and its running uploads (\d+);", str(raised.value))
    assert found
    used, limit, reserved = map(int, found.groups())
    assert reserved == 0
    put(s3, "probe", limit - used)
    assert error_of(put, s3=s3, key="more", size=1) == EXCEEDED
    s3.delete_object(Bucket="bucket", Key="probe")
    return limit - used


def begin(s3: Any, key: str) -> dict[str, Any]:
    """Begin an upload and return the arguments that name it."""
    return {"Bucket": "bucket", "Key": key, "UploadId": s3.create_multipart_upload(Bucket="bucket", Key=key)["UploadId"]}


@contextmanager
def uploading(server: Server, size: int) -> Iterator[socket.socket]:
    """Begin to send an object, and yield the connection when the store has written the first block."""
    path, before = server.presign("PUT", "/bucket/slow").removeprefix(server.url), written(server)
    with socket.create_connection(server.address) as connection:
        head = f"PUT {path} HTTP/1.1\r\nHost: {server.url.removeprefix('http://')}\r\nContent-Length: {size}\r\n\r\n"
        connection.sendall(head.encode() + b"x" * BLOCK)
        while written(server) == before:
            connection.settimeout(0.01)
            with suppress(TimeoutError):
                assert connection.recv(1000) == b"", "the store has answered"
        connection.settimeout(None)
        yield connection


def written(server: Server) -> int:
    """Return the size of all contents."""
    return sum(path.stat().st_size for path in (server.folder / "contents").iterdir())


def test_an_object_beyond_the_quota_is_refused(server: Server, s3: Any) -> None:
    """A project can use its quota to the last byte; of what exceeds it nothing is stored; deletions give space back."""
    assert error_of(put, s3=s3, key="a", size=QUOTA + 1) == EXCEEDED
    put(s3, "a", QUOTA)
    assert error_of(put, s3=s3, key="b", size=1) == EXCEEDED
    put(s3, "empty", 0)
    assert [found["Key"] for found in s3.list_objects_v2(Bucket="bucket")["Contents"]] == ["a", "empty"]
    assert len([*(server.folder / "contents").iterdir()]) == 2
    assert s3.get_object(Bucket="bucket", Key="a")["Body"].read() == b"x" * QUOTA
    s3.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": "a"}, {"Key": "empty"}]})
    put(s3, "b", QUOTA)
    s3.delete_object(Bucket="bucket", Key="b")
    assert free(s3) == QUOTA


def test_the_error_says_what_to_do(s3: Any) -> None:
    """The message has the space that is used, that is needed and the limit, and names the setting."""
    put(s3, "a", 10)
    with pytest.raises(ClientError, match=rf"uses 10 of {QUOTA} bytes.* {QUOTA} more are needed.* NOVAFLOW_S3_QUOTA"):
        put(s3, "b", QUOTA)


def test_each_project_has_its_own_quota(server: Server, s3: Any) -> None:
    """The objects of one project take no space of another; all buckets of a project count together."""
    put(s3, "a", QUOTA)
    s3.create_bucket(Bucket="second")
    assert error_of(s3.put_object, Bucket="second", Key="a", Body=b"x") == EXCEEDED
    with server.client(ALICE.access, ALICE.secret) as alice:
        alice.create_bucket(Bucket="alice")
        alice.put_object(Bucket="alice", Key="a", Body=b"x" * QUOTA)
        assert error_of(alice.put_object, Bucket="alice", Key="b", Body=b"x") == EXCEEDED


def test_a_content_in_chunks_is_counted(server: Server, s3: Any) -> None:
    """Neither an unknown nor a wrong length leads beyond the quota, and nothing is stored."""
    put(s3, "a", QUOTA - 10)
    url = server.presign("PUT", "/bucket/k")
    refused = httpx.put(url, content=iter([b"x" * 6, b"x" * 6]))
    assert (refused.status_code, "QuotaExceeded" in refused.text) == (403, True)
    chunks = b"c\r\n" + b"x" * 12 + b"\r\n0\r\n\r\n"
    for announced in ("12", "2"):
        headers = {"x-amz-decoded-content-length": announced}
        address, signed = sign("PUT", f"{server.url}/bucket/k", headers, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        refused = httpx.put(address, content=chunks, headers=signed)
        assert (refused.status_code, "QuotaExceeded" in refused.text) == (403, True)
    assert error_of(s3.get_object, Bucket="bucket", Key="k") == (404, "NoSuchKey")
    assert httpx.put(url, content=iter([b"x" * 5, b"x" * 5])).status_code == 200
    assert len([*(server.folder / "contents").iterdir()]) == 2


def test_the_parts_of_an_upload_are_counted(server: Server, s3: Any) -> None:
    """Parts use space until the upload ends; its completion needs no more, and keeps the size of the object."""
    target = begin(s3, "k")
    bodies = PART, b"x" * 600, b"x" * 400
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**target, PartNumber=number, Body=body)["ETag"]}
        for number, body in enumerate(bodies, start=1)
    ]
    assert error_of(s3.upload_part, **target, PartNumber=4, Body=b"x") == EXCEEDED
    assert error_of(put, s3=s3, key="a", size=1) == EXCEEDED
    s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts[:2]})
    assert len([*(server.folder / "contents").iterdir()]) == 1
    assert free(s3) == 400


def test_a_part_that_is_replaced_or_aborted_gives_its_space_back(s3: Any) -> None:
    """A part is counted with its new size; an aborted upload and a deleted bucket use nothing."""
    target = begin(s3, "k")
    s3.upload_part(**target, PartNumber=1, Body=b"x" * 1000)
    s3.upload_part(**target, PartNumber=1, Body=b"x")
    assert free(s3) == QUOTA - 1
    s3.abort_multipart_upload(**target)
    assert free(s3) == QUOTA
    s3.upload_part(**begin(s3, "k"), PartNumber=1, Body=b"x")
    s3.delete_bucket(Bucket="bucket")
    s3.create_bucket(Bucket="bucket")
    assert free(s3) == QUOTA


def test_copies_are_counted(server: Server, s3: Any) -> None:
    """A copy, and a part that is copied, need the space of their content; a copy to itself that changes metadata needs none."""
    size = QUOTA // 2 + 1
    put(s3, "a", size)
    source = {"Bucket": "bucket", "Key": "a"}
    assert error_of(s3.copy_object, Bucket="bucket", Key="b", CopySource=source) == EXCEEDED
    s3.copy_object(Bucket="bucket", Key="a", CopySource=source, MetadataDirective="REPLACE", Metadata={"x": "1"})
    target = begin(s3, "k")
    assert error_of(s3.upload_part_copy, **target, PartNumber=1, CopySource=source) == EXCEEDED
    s3.upload_part_copy(**target, PartNumber=1, CopySource=source, CopySourceRange="bytes=0-9")
    assert free(s3) == QUOTA - size - 10
    assert len([*(server.folder / "contents").iterdir()]) == 2


def test_an_object_that_is_replaced_gives_its_space_back(s3: Any) -> None:
    """The old content and the new one are counted until the new one is stored, then only the new one."""
    put(s3, "a", QUOTA // 2)
    put(s3, "a", QUOTA // 2)
    put(s3, "a", 10)
    assert free(s3) == QUOTA - 10


def test_a_running_upload_has_its_space(server: Server, s3: Any) -> None:
    """The announced length is reserved before all of the content has arrived, and is free again when the connection ends."""
    with uploading(server, QUOTA) as slow:
        assert error_of(put, s3=s3, key="a", size=1) == EXCEEDED
        slow.shutdown(socket.SHUT_WR)
        assert slow.recv(1000).startswith(b"HTTP/1.1 400 ")
    put(s3, "a", QUOTA)


def test_uploads_at_once_do_not_exceed_the_quota_together(server: Server) -> None:
    """Of eight uploads that together are larger than the quota, just those are stored that it has space for."""

    def store(number: int) -> bool:
        with server.client() as client:
            try:
                put(client, str(number), QUOTA // 3)
            except ClientError as error:
                assert error.response["Error"]["Code"] == "QuotaExceeded"  # noqa: PT017 - the others succeed
                return False
            return True

    with server.client() as client:
        client.create_bucket(Bucket="bucket")
        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(store, range(8))) == 3
        assert client.list_objects_v2(Bucket="bucket")["KeyCount"] == 3


def test_the_space_is_right_after_a_crash(tmp_path: Path) -> None:
    """What was stored is counted, and an upload that the crash cut off is not."""
    with serving(tmp_path / "data", quota=QUOTA) as server, server.client() as client:
        client.create_bucket(Bucket="bucket")
        put(client, "a", 100)
        client.upload_part(**begin(client, "k"), PartNumber=1, Body=b"x" * 20)
        with uploading(server, 2 * BLOCK):
            server.kill()
    with serving(tmp_path / "data", quota=QUOTA) as server, server.client() as client:
        assert free(client) == QUOTA - 120


def test_the_objects_of_an_earlier_version_are_counted(tmp_path: Path) -> None:
    """The space of existing objects and parts is computed once, from an index that has no sizes of buckets."""
    (tmp_path / "data/contents").mkdir(parents=True)
    for name, size in (("a", 100), ("b", 20)):
        (tmp_path / "data/contents" / name).write_bytes(b"x" * size)
    index = sqlite3.connect(tmp_path / "data/index.db", isolation_level=None)
    index.executescript(f"{SCHEMA}{OWNERS}; PRAGMA user_version = 2")
    index.execute("INSERT INTO buckets VALUES ('bucket', 0, 'admin')")
    index.execute("INSERT INTO objects VALUES ('bucket', CAST('a' AS BLOB), 'contents/a', 100, '', 0, '{}')")
    index.execute("INSERT INTO uploads VALUES ('u', 'bucket', CAST('b' AS BLOB), 0, '', '{}')")
    index.execute("INSERT INTO parts VALUES ('u', 1, 'contents/b', 20, '', 0, '{}')")
    index.close()
    with serving(tmp_path / "data", quota=QUOTA) as server, server.client() as client:
        assert free(client) == QUOTA - 120
    with serving(tmp_path / "data", quota=100) as server, server.client() as client:
        assert error_of(put, s3=client, key="b", size=1) == EXCEEDED
        assert client.get_object(Bucket="bucket", Key="a")["Body"].read() == b"x" * 100
        client.abort_multipart_upload(Bucket="bucket", Key="b", UploadId="u")
        assert error_of(put, s3=client, key="b", size=1) == EXCEEDED
        client.delete_object(Bucket="bucket", Key="a")
        put(client, "b", 100)


def test_without_a_limit_everything_is_stored(tmp_path: Path) -> None:
    """A quota of 0 is none."""
    with serving(tmp_path / "data", quota=0) as server, server.client() as client:
        client.create_bucket(Bucket="bucket")
        put(client, "a", QUOTA + 1)
