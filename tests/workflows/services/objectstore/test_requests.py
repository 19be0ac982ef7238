"""Requests that are unusual or malformed."""

from typing import Any

import httpx
import pytest

from tests.support.objectstore import Server

# ruff: noqa: ANN401 - boto3 has no types

pytestmark = pytest.mark.slow  # each has a bucket on the disk
ANONYMOUS = True


@pytest.fixture
def url(server: Server, s3: Any, bucket: str) -> str:
    """Return the address of an object."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"content")
    return f"{server.url}/{bucket}/k"


@pytest.mark.parametrize("name", ["max-keys", "max-uploads&uploads"])
@pytest.mark.parametrize("value", ["-1", "+1", "1_0", "9" * 30, "", "a", "%D9%A3"])
def test_what_is_no_number_is_refused(url: str, name: str, value: str) -> None:
    """The error names the parameter."""
    name, _, query = name.partition("&")
    response = httpx.get(f"{url.removesuffix('/k')}?{name}={value}&{query}")
    assert (response.status_code, "InvalidArgument" in response.text, name in response.text) == (400, True, True)


@pytest.mark.parametrize("text", [f"bytes={'9' * 5000}-", f"bytes=-{'9' * 5000}", f"bytes=0-{'9' * 5000}"])
def test_a_range_of_any_size_is_answered(url: str, text: str) -> None:
    """A number that no object has is no error of the server."""
    assert httpx.get(url, headers={"Range": text}).status_code in {200, 206, 416}


def test_a_decoded_length_of_any_size_is_answered(url: str) -> None:
    """A number that no object has is an error of the client."""
    headers = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD", "x-amz-decoded-content-length": "9" * 5000}
    assert httpx.put(url, content=b"0\r\n\r\n", headers=headers).status_code == 400


def test_an_override_in_any_script(url: str) -> None:
    """A header of the response is the parameter in UTF-8; one with a line break is refused."""
    found = httpx.get(f"{url}?response-content-disposition=attachment;filename=%E6%97%A5.txt")
    assert (found.status_code, b"=\xe6\x97\xa5.txt" in dict(found.headers.raw)[b"content-disposition"]) == (
        200,
        True,
    )
    assert httpx.get(f"{url}?response-content-type=a%0D%0AX-Injected:1").status_code == 400


def test_metadata_in_any_script(url: str) -> None:
    """Metadata in UTF-8 comes back as it was, in a header or in a presigned address."""
    assert httpx.put(f"{url}?x-amz-meta-b=%E6%97%A5", content=b"", headers={b"x-amz-meta-a": "日".encode()}).status_code == 200
    raw = dict(httpx.head(url).headers.raw)
    assert (raw[b"x-amz-meta-a"], raw[b"x-amz-meta-b"]) == ("日".encode(), "日".encode())
    assert httpx.put(f"{url}?x-amz-meta-b=%0A", content=b"").status_code == 400


@pytest.mark.parametrize("source", ["/{}/ü?", "{}/%C3%BC%3F"])
def test_the_source_of_a_copy_in_any_form(url: str, server: Server, s3: Any, source: str) -> None:
    """It may be encoded or not; one that is not UTF-8 is refused."""
    bucket = url.split("/")[3]
    s3.put_object(Bucket=bucket, Key="ü?", Body=b"source")
    assert httpx.put(f"{url}2", headers={b"x-amz-copy-source": source.format(bucket).encode()}).status_code == 200
    assert httpx.get(f"{url}2").content == b"source"
    assert httpx.put(f"{url}2", headers={"x-amz-copy-source": f"{bucket}/%FF"}).status_code == 400
    assert server.process.poll() is None


def test_a_refused_upload_does_not_break_the_connection(url: str) -> None:
    """An error is received although the client still sends; the next request is answered."""
    with httpx.Client() as client:
        for query, headers in (("?acl", {}), ("", {"x-amz-acl": "public-read"}), ("", {"If-Match": '"0"'})):
            assert client.put(url + query, content=bytes(9_000_000), headers=headers).status_code in {501, 412}
            assert client.get(url).content == b"content"


def test_an_absolute_address_is_answered(url: str, server: Server) -> None:
    """As a proxy sends it."""
    with httpx.Client() as client:
        assert client.get(server.url, extensions={"target": url.encode()}).content == b"content"
