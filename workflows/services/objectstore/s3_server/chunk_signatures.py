"""Signatures of the chunks of a content.

Source: Amazon's "Signature calculations for the Authorization header: transferring payload in multiple chunks".
"""

import hashlib
import hmac
from collections.abc import Mapping

from .errors import signature_does_not_match

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY = hashlib.sha256().hexdigest()
EXTENSION = "chunk-signature="
TRAILER = "x-amz-trailer-signature"


class ChunkSignatures:
    """Verifies the signatures of chunks in order; each contains the one before, the first one that of the request."""

    def __init__(self, key: bytes, origin: str, signature: str, *, has_trailer: bool) -> None:
        """``origin`` is the time of the request and its scope, in two lines."""
        self._key, self._origin, self._previous, self._has_trailer = key, origin, signature, has_trailer

    def check_chunk(self, digest: str, extension: str) -> None:
        """Raise SignatureDoesNotMatch if the chunk with this SHA-256 hash has another signature in its extension, or none."""
        self._check(f"{ALGORITHM}-PAYLOAD", f"{EMPTY}\n{digest}", extension.strip().removeprefix(EXTENSION))

    def check_trailers(self, trailers: Mapping[str, str]) -> None:
        """Raise SignatureDoesNotMatch if the trailers have another signature, or none, unless the client announced none."""
        if self._has_trailer:
            text = "".join(f"{name}:{value}\n" for name, value in trailers.items() if name != TRAILER)
            digest = hashlib.sha256(text.encode("latin-1")).hexdigest()
            self._check(f"{ALGORITHM}-TRAILER", digest, trailers.get(TRAILER, ""))

    def _check(self, algorithm: str, digests: str, signature: str) -> None:
        text = f"{algorithm}\n{self._origin}\n{self._previous}\n{digests}"
        self._previous = hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(self._previous.encode(), signature.encode()):
            raise signature_does_not_match("a chunk")
