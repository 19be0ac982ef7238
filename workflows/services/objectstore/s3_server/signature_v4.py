"""Signature version 4.

Source: Amazon's "Authenticating requests (AWS Signature Version 4)".
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote_to_bytes

from .chunk_signatures import ALGORITHM, ChunkSignatures
from .errors import S3Error, access_denied, invalid, not_implemented, signature_does_not_match
from .http import Request
from .signatures import Claim

PAYLOAD = "x-amz-content-sha256"
UNSIGNED = frozenset({"UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"})
SIGNED_CHUNKS = {f"STREAMING-{ALGORITHM}-PAYLOAD": False, f"STREAMING-{ALGORITHM}-PAYLOAD-TRAILER": True}  # with a trailer
LONGEST = 604_800  # seconds; S3's limit of a presigned address
SIGNATURE = "X-Amz-Signature"
CREDENTIAL = re.compile(r"(.+)/([0-9]{8})/([^/]*)/s3/aws4_request")


@dataclass(frozen=True, slots=True)
class ClaimV4(Claim):
    """``time`` and ``scope`` are texts as the client sent them; ``signed`` are the names of signed headers."""

    time: str
    scope: str
    signed: tuple[str, ...]


def read_header(request: Request) -> ClaimV4:
    """Return the claim of the header Authorization; raise AuthorizationHeaderMalformed."""
    fields = request.sent["authorization"].removeprefix(ALGORITHM).split(",")
    found = dict(field.strip().partition("=")[::2] for field in fields)
    found |= {"Date": request.sent.get("x-amz-date", "")}
    return _claim(found, "AuthorizationHeaderMalformed")


def read_query(request: Request) -> ClaimV4:
    """Return the claim of a presigned address; raise AuthorizationQueryParametersError."""
    code = "AuthorizationQueryParametersError"
    known = dict(request.parameters)
    if known["X-Amz-Algorithm"] != ALGORITHM:
        raise S3Error(400, code, f"X-Amz-Algorithm is {known['X-Amz-Algorithm']!r}; expected {ALGORITHM}")
    names = "Credential", "Date", "SignedHeaders", "Signature", "Expires"
    return _claim({name: known.get(f"X-Amz-{name}", "") for name in names}, code)


def verify(request: Request, claim: ClaimV4, secret: str) -> ChunkSignatures | None:
    """Verify the signature of a request; return what verifies its chunks, if they are signed.

    Raises: S3Error, SignatureDoesNotMatch; AccessDenied, if a header that has an effect in S3 is not signed.
    """
    payload = _payload(request, claim)
    canonical = b"\n".join((*_canonical(request, claim.signed), payload.encode()))
    key = f"AWS4{secret}".encode()
    for part in claim.scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    origin = f"{claim.time}\n{claim.scope}"
    text = f"{ALGORITHM}\n{origin}\n{hashlib.sha256(canonical).hexdigest()}"
    expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
        raise signature_does_not_match("the request")
    # A client with a presigned address could else add the source of a copy.
    if unsigned := {name for name in request.sent if name.startswith("x-amz-")} - {*claim.signed}:
        raise access_denied(f"There were headers present in the request which were not signed: {', '.join(sorted(unsigned))}")
    return ChunkSignatures(key, origin, expected, has_trailer=SIGNED_CHUNKS[payload]) if payload in SIGNED_CHUNKS else None


def _claim(found: Mapping[str, str], code: str) -> ClaimV4:
    credential = CREDENTIAL.fullmatch(found.get("Credential", ""))
    signed = tuple(found.get("SignedHeaders", "").split(";"))
    expires = found.get("Expires")  # ``None`` in a header
    try:
        at = datetime.strptime(found["Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise access_denied(f"X-Amz-Date is {found['Date']!r}; expected YYYYMMDDTHHMMSSZ") from error
    if not credential:
        raise S3Error(400, code, f"Credential is {found.get('Credential')!r}; expected ACCESS-KEY/YYYYMMDD/REGION/s3/aws4_request")
    if credential[2] != found["Date"][:8]:
        raise S3Error(400, code, f"the date of Credential is {credential[2]}; that of the request is {found['Date'][:8]}")
    if "host" not in signed or not found.get("Signature"):
        raise S3Error(400, code, "SignedHeaders must contain host, and Signature must not be empty")
    if expires is not None and not (re.fullmatch("[0-9]{1,6}", expires) and 1 <= int(expires) <= LONGEST):
        raise S3Error(400, code, f"X-Amz-Expires is {expires!r}; expected 1 to {LONGEST} seconds")
    until = None if expires is None else at + timedelta(seconds=int(expires))
    scope = found["Credential"].removeprefix(f"{credential[1]}/")
    return ClaimV4(credential[1], found["Signature"], at, until, found["Date"], scope, signed)


def _payload(request: Request, claim: ClaimV4) -> str:
    """Return what the client says about its content: a hash, which is verified when it is read, or a word."""
    payload = request.headers.get(PAYLOAD, "UNSIGNED-PAYLOAD" if claim.until else "")
    if not payload:
        raise invalid(f"the header {PAYLOAD} is missing")
    if payload in UNSIGNED or payload in SIGNED_CHUNKS or re.fullmatch("[0-9a-fA-F]{64}", payload):
        return payload
    if payload.startswith("STREAMING-AWS4-ECDSA-"):
        raise not_implemented(f"the signature {payload}")
    expected = ", ".join(sorted({*UNSIGNED, *SIGNED_CHUNKS}))
    raise S3Error(400, "InvalidArgument", f"{PAYLOAD} is {payload[:80]!r}; expected a SHA-256 hash or one of {expected}")


def _canonical(request: Request, signed: tuple[str, ...]) -> tuple[bytes, ...]:
    """Return the lines of the canonical request before the payload."""
    # Clients differ in which characters of a path they encode.
    path = quote(unquote_to_bytes(request.path.encode("latin-1")), safe="/-_.~")
    signed_parameters = ((name, value) for name, value in request.parameters if name != SIGNATURE)
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in signed_parameters)
    query = "&".join(f"{name}={value}" for name, value in encoded)
    headers = [name.encode() + b":" + b" ".join(request.sent.get(name, "").encode("latin-1").split()) for name in signed]
    return request.method.encode(), path.encode(), query.encode(), *headers, b"", ";".join(signed).encode()
