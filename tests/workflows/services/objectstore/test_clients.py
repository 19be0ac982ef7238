"""The object store used by curl and by the AWS command line."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.objectstore import ACCESS, SECRET, Server, serving
from tests.support.programs import wait_until

# ruff: noqa: ANN401, S603, S607, TID251 - boto3 has no types; programs that every developer has

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # other programs, and files of nine megabytes

NINE_MB = bytes(range(250)) * 36_000  # more than the 8 MiB from which the command line uploads parts


def curl(*words: str, content: bytes = b"") -> str:
    """Run curl, which signs the request, and return its output."""
    # curl adds this header only from 8.0 on.
    signed = "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", f"{ACCESS}:{SECRET}", "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"
    return subprocess.run(["curl", "-sS", *signed, *words], input=content, stdout=subprocess.PIPE, check=True).stdout.decode()


@pytest.fixture
def aws(server: Server) -> Callable[..., str]:
    """Return a function that runs the AWS command line and returns its output."""
    env = {"PATH": os.defpath, "AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}

    def run(*words: str) -> str:
        program = str(Path(sys.executable).with_name("aws"))
        return subprocess.run([program, "--endpoint-url", server.url, *words], env=env, stdout=subprocess.PIPE, check=True).stdout.decode()

    return run


def test_curl_uploads_a_pipe(server: Server, s3: Any, bucket: str) -> None:
    """`curl -T -` sends chunks of HTTP without a length."""
    assert curl("-T", "-", "-o", "/dev/null", "-w", "%{http_code}", f"{server.url}/{bucket}/k", content=NINE_MB) == "200"
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == NINE_MB


def test_curl_does_not_change_an_object_by_its_acl(server: Server, bucket: str) -> None:
    """The case of the field: a PUT with ?acl or ?tagging is not an upload, a DELETE with ?policy not the bucket's."""
    url = f"{server.url}/{bucket}"
    curl("-X", "PUT", "--data-binary", "content", f"{url}/k")
    # curl before 8.0 signs no parameters without "=".
    assert "NotImplemented" in curl("-X", "PUT", "--data-binary", "<x/>", f"{url}/k?acl=")
    assert "NotImplemented" in curl("-X", "DELETE", f"{url}?policy=")
    curl("-X", "DELETE", f"{url}/k?tagging=")
    assert curl(f"{url}/k") == "content"
    assert curl("-r", "3-", f"{url}/k") == "tent"
    assert curl("-X", "POST", "-F", "key=k", "-F", "file=@/etc/hostname", url).count("NotImplemented") == 1


def test_the_command_line_copies_moves_and_removes(aws: Callable[..., str], bucket: str, tmp_path: Path) -> None:
    """Nine megabytes are uploaded in parts, moved, downloaded and removed."""
    (tmp_path / "big file").write_bytes(NINE_MB)
    aws("s3", "cp", str(tmp_path / "big file"), f"s3://{bucket}/ü/", "--content-type", "text/plain", "--metadata", "a=1")
    assert '"ContentType": "text/plain"' in aws("s3api", "head-object", "--bucket", bucket, "--key", "ü/big file")
    aws("s3", "mv", f"s3://{bucket}/ü/big file", f"s3://{bucket}/moved")
    aws("s3", "cp", f"s3://{bucket}/moved", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == NINE_MB
    assert aws("s3", "ls", "--recursive", f"s3://{bucket}").split()[2:] == ["9000000", "moved"]
    aws("s3api", "put-object", "--bucket", bucket, "--key", "other", "--metadata", "b=2", "--content-type", "image/png")
    aws("s3", "mv", f"s3://{bucket}/other", f"s3://{bucket}/small")
    assert '"b": "2"' in aws("s3api", "head-object", "--bucket", bucket, "--key", "small")
    aws("s3api", "delete-objects", "--bucket", bucket, "--delete", "Objects=[{Key=small}]")
    aws("s3", "rb", "--force", f"s3://{bucket}")


def test_the_command_line_synchronizes_folders(aws: Callable[..., str], bucket: str, tmp_path: Path) -> None:
    """Unchanged files are not sent again, and deleted ones are removed."""
    for name in ("a", "b", "ü ?#%"):
        (tmp_path / "out" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "out" / name).write_text(name)
    aws("s3", "sync", str(tmp_path / "out"), f"s3://{bucket}/x")
    assert aws("s3", "sync", str(tmp_path / "out"), f"s3://{bucket}/x") == ""
    (tmp_path / "out" / "b").unlink()
    aws("s3", "sync", "--delete", str(tmp_path / "out"), f"s3://{bucket}/x")
    aws("s3", "sync", f"s3://{bucket}/x", str(tmp_path / "back"))
    assert {path.name: path.read_text() for path in (tmp_path / "back").iterdir()} == {"a": "a", "ü ?#%": "ü ?#%"}


def test_the_transfer_manager_uploads_in_parallel(s3: Any, bucket: str, tmp_path: Path) -> None:
    """boto3 sends several parts at once."""
    (tmp_path / "file").write_bytes(NINE_MB * 4)
    s3.upload_file(str(tmp_path / "file"), bucket, "k", ExtraArgs={"Metadata": {"a": "1"}})
    s3.download_file(bucket, "k", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == NINE_MB * 4
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"a": "1"}


def test_one_of_several_writers_wins_whole(server: Server, bucket: str) -> None:
    """Each reader sees one whole content with its own entity tag, and the others leave nothing on the disk."""
    url, source = (server.presign(method, f"/{bucket}/k") for method in ("PUT", "GET"))
    before = {*(server.folder / "contents").iterdir()}
    contents = [bytes([65 + number]) * (200_000 + number) for number in range(4)]
    tags = {httpx.put(url, content=content).headers["ETag"]: content for content in contents}
    seen: list[tuple[str, bytes]] = []

    def write(content: bytes) -> None:
        with httpx.Client() as client:
            for _ in range(10):
                assert client.put(url, content=content).status_code == 200

    def read() -> None:
        with httpx.Client() as client:
            for _ in range(20):
                found = client.get(source)
                seen.append((found.headers["ETag"], found.content))

    run_all([*(lambda content=content: write(content) for content in contents), read, read])
    assert len(seen) == 40
    assert all(tags[tag] == content for tag, content in seen)
    assert len({*(server.folder / "contents").iterdir()} - before) == 1


def run_all(functions: Iterable[Callable[[], None]]) -> None:
    """Run functions in threads and raise the first error."""
    errors: list[BaseException] = []

    def guarded(function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


async def test_objects_survive_a_crash(tmp_path: Path) -> None:
    """If the server is killed during uploads, stored objects are whole, and nothing of the unfinished ones is left."""
    contents = tmp_path / "data" / "contents"
    with serving(tmp_path / "data") as server, server.client() as s3:
        s3.create_bucket(Bucket="kept")
        s3.put_object(Bucket="kept", Key="k", Body=b"content", Metadata={"a": "1"})
        with socket.create_connection(server.address) as connection:
            target = server.presign("PUT", "/kept/k").removeprefix(server.url).encode()
            connection.sendall(b"PUT %b HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" % target + bytes(2_000_000))
            await wait_until(lambda: len([*contents.iterdir()]) == 2)
            server.kill()
    with serving(tmp_path / "data") as server, server.client() as s3:
        found = s3.get_object(Bucket="kept", Key="k")
        assert (found["Body"].read(), found["Metadata"]) == (b"content", {"a": "1"})
        assert len([*contents.iterdir()]) == 1
