"""Signature version 2.

Source: Amazon's "Signing and authenticating REST requests (AWS signature version 2)".
"""

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from .errors import S3Error, access_denied, signature_does_not_match
from .http import Request
from .signatures import Claim

SCHEME = "AWS "
EPOCH = datetime.fromtimestamp(0, UTC)
# The parameters that are signed; those that this server does not support are answered with 501.
SIGNED = frozenset({
    "accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location", "logging", "metrics",
    "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment", "response-cache-control",
    "response-content-disposition", "response-content-encoding", "response-content-language", "response-content-type",
    "response-expires", "restore", "select", "select-type", "storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId",
    "versioning", "versions", "website",
})  # fmt: skip


def read_header(request: Request) -> Claim:
    """Return the claim of the header Authorization; raise InvalidArgument, or AccessDenied if the request has no date."""
    access, _, signature = request.sent["authorization"].removeprefix(SCHEME).strip().rpartition(":")
    if not access:
        raise S3Error(400, "InvalidArgument", "the header Authorization is not of the form AWS ACCESS-KEY:SIGNATURE")
    return Claim(access, signature, _time(request.sent.get("x-amz-date") or request.sent.get("date", "")), until=None)


def read_query(request: Request) -> Claim:
    """Return the claim of a presigned address; raise AccessDenied if a parameter is missing."""
    known = dict(request.parameters)
    if not re.fullmatch("[0-9]{1,11}", known.get("Expires", "")):
        raise access_denied(f"Expires is {known.get('Expires', '')!r}; expected seconds since 1970")
    until = datetime.fromtimestamp(int(known["Expires"]), UTC)
    return Claim(known["AWSAccessKeyId"], known.get("Signature", ""), EPOCH, until)


def verify(request: Request, claim: Claim, secret: str) -> None:
    """Verify the signature of a request; raise SignatureDoesNotMatch."""
    if request.headers.get("x-amz-content-sha256", "").startswith("STREAMING-AWS4-"):
        raise S3Error(400, "InvalidArgument", "the signatures of chunks are those of version 4; the request has one of version 2")
    # boto3 signs the path of a bucket with a slash that it does not send; other clients sign what they send.
    paths = (request.path, f"{request.path}/") if request.kind == "bucket" else (request.path,)
    digests = [hmac.new(secret.encode(), _text(request, claim, path), hashlib.sha1).digest() for path in paths]
    if not any(hmac.compare_digest(base64.b64encode(digest), claim.signature.encode()) for digest in digests):
        raise signature_does_not_match("the request")


def _text(request: Request, claim: Claim, path: str) -> bytes:
    date = request.sent.get("date", "") if "x-amz-date" not in request.headers else ""
    if claim.until is not None:
        date = dict(request.parameters)["Expires"]
    names = sorted(name for name in request.headers if name.startswith("x-amz-"))
    content = (request.headers.get(name, "") for name in ("content-md5", "content-type"))
    lines = (request.method, *content, date, *(f"{name}:{request.headers[name]}" for name in names), path)
    # The headers and the path are bytes that WSGI writes as characters, the parameters are characters.
    values = [f"{name}={value}" if value else name for name, value in sorted(request.query.items()) if name in SIGNED]
    return "\n".join(lines).encode("latin-1") + ("?" + "&".join(values) if values else "").encode()


def _time(text: str) -> datetime:
    try:
        found = parsedate_to_datetime(text)
    except ValueError as error:
        raise access_denied("the request needs a valid header Date or x-amz-date") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
