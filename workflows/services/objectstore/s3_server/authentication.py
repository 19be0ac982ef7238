"""Authentication: which project a request comes from."""

from dataclasses import replace
from datetime import UTC, datetime

from . import signature_v2, signature_v4
from .chunk_signatures import ALGORITHM
from .errors import S3Error, access_denied, invalid
from .http import Request
from .keys import Key, Keys


def authenticate(request: Request, keys: Keys, now: datetime | None = None) -> tuple[Request, str]:
    """Verify the signature of a request, of version 4 or 2, in its headers or in its address; return it and its project.

    The hash of the content and the signatures of its chunks are verified when the content is read. Nothing is stored of a
    content that is not the signed one.

    Raises: S3Error, AccessDenied, if the request is not signed or is expired; RequestTimeTooSkewed; InvalidAccessKeyId;
    SignatureDoesNotMatch; another one, if it is malformed or if its key cannot be verified.
    """
    names = {name for name, _ in request.parameters}
    scheme = request.sent.get("authorization", "")
    is_v4, is_v2 = "X-Amz-Algorithm" in names, "AWSAccessKeyId" in names
    if bool(scheme) + is_v4 + is_v2 > 1:
        raise S3Error(400, "InvalidArgument", "Only one auth mechanism allowed: a header Authorization or parameters of one version")
    now = now or datetime.now(UTC)
    if scheme.startswith(f"{ALGORITHM} ") or is_v4:
        claim = signature_v4.read_query(request) if is_v4 else signature_v4.read_header(request)
        claim.check_time(now)
        key = _find(keys, claim.access)
        return replace(request, chunks=signature_v4.verify(request, claim, key.secret)), key.project
    if scheme.startswith(signature_v2.SCHEME) or is_v2:
        other = signature_v2.read_query(request) if is_v2 else signature_v2.read_header(request)
        other.check_time(now)
        key = _find(keys, other.access)
        signature_v2.verify(request, other, key.secret)
        return request, key.project
    if scheme:
        raise invalid(f"The authorization mechanism you have provided is not supported. Please use {ALGORITHM}.")
    raise access_denied("the request is not signed")


def _find(keys: Keys, access: str) -> Key:
    key = keys.find(access)
    if key is None:
        raise S3Error(403, "InvalidAccessKeyId", f"the access key {access[:128]} does not exist")
    return key
