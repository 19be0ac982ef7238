"""Requests that Amazon's C library signs, at any time: an implementation of signature version 4 beside that of the object store."""

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from awscrt.auth import (
    AwsCredentialsProvider,
    AwsSignatureType,
    AwsSignedBodyHeaderType,
    AwsSigningAlgorithm,
    AwsSigningConfig,
    aws_sign_request,
)
from awscrt.http import HttpHeaders, HttpRequest

from tests.support.objectstore import ACCESS, SECRET

WITHIN_S = 10


def sign(  # noqa: PLR0913 - what differs between two requests
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    payload: str = "UNSIGNED-PAYLOAD",
    expires_s: int | None = None,
    at: datetime | None = None,
    access: str = ACCESS,
    secret: str = SECRET,
) -> tuple[str, dict[str, str]]:
    """Return the address and the headers of a request; with ``expires_s``, the signature is in the address.

    ``payload`` is the SHA-256 hash of the content, or the word for one that is not hashed.
    """
    place = urlsplit(url)
    request = HttpRequest(method, url.removeprefix(f"{place.scheme}://{place.netloc}"), HttpHeaders([("Host", place.netloc)]))
    for name, value in (headers or {}).items():
        request.headers.add(name, value)
    config = AwsSigningConfig(
        algorithm=AwsSigningAlgorithm.V4,
        signature_type=AwsSignatureType.HTTP_REQUEST_QUERY_PARAMS if expires_s else AwsSignatureType.HTTP_REQUEST_HEADERS,
        credentials_provider=AwsCredentialsProvider.new_static(access, secret),
        region="RegionOne",
        service="s3",
        date=at or datetime.now(UTC),
        use_double_uri_encode=False,
        should_normalize_uri_path=False,
        signed_body_value=payload,
        signed_body_header_type=AwsSignedBodyHeaderType.NONE if expires_s else AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256,
        expiration_in_seconds=expires_s,
    )
    aws_sign_request(request, config).result(WITHIN_S)
    return f"{place.scheme}://{place.netloc}{request.path}", dict(request.headers)
