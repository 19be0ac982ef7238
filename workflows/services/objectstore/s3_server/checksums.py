"""Checksums of contents: those of S3's clients are verified, and one of them is stored."""

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from awscrt import checksums as crt

from .errors import S3Error, invalid, not_implemented

PREFIX = "x-amz-checksum-"
OPTIONS = frozenset({"algorithm", "mode", "type"})  # headers with this prefix that contain no checksum


class Checksum(Protocol):
    """A checksum that is computed block by block."""

    def update(self, block: bytes, /) -> None:
        """Add a block."""

    def digest(self) -> bytes:
        """Return the checksum of all blocks."""


class _Crc:
    def __init__(self, function: Callable[[bytes, int], int], size: int) -> None:
        self._function, self._size, self._value = function, size, 0

    def update(self, block: bytes, /) -> None:
        self._value = self._function(block, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


class _XxHash:
    def __init__(self, state: crt.XXHash) -> None:
        self.update = state.update
        self.digest = state.finalize


ALGORITHMS: Mapping[str, Callable[[], Checksum]] = {
    "crc32": lambda: _Crc(zlib.crc32, 4),
    "crc32c": lambda: _Crc(crt.crc32c, 4),
    "crc64nvme": lambda: _Crc(crt.crc64nvme, 8),
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "xxhash3": lambda: _XxHash(crt.XXHash.new_xxhash3_64()),
    "xxhash64": lambda: _XxHash(crt.XXHash.new_xxhash64()),
    "xxhash128": lambda: _XxHash(crt.XXHash.new_xxhash3_128()),
}


@dataclass(frozen=True, slots=True)
class Expected:
    """The checksum that a header announces, and the code of the error if the content has another."""

    header: str
    algorithm: str
    digest: bytes
    code: str = "BadDigest"


@dataclass(frozen=True, slots=True)
class Verified:
    """The entity tag of a content, which is its MD5 hash, and the checksums that its client uses, in Base64 by algorithm."""

    etag: str
    checksums: Mapping[str, str]


class Verifier:
    """Compares a content with the checksums in the headers and the trailers of its request."""

    def __init__(self, headers: Mapping[str, str], *, algorithm: str = "") -> None:
        self._expected = [*_expected_by(headers)]
        trailers = [name.strip() for name in headers.get("x-amz-trailer", "").lower().split(",")]
        chosen = [one.algorithm for one in self._expected if one.header.startswith(PREFIX)]
        chosen += [algorithm_of(name) for name in trailers if name.startswith(PREFIX)]
        if len(set(chosen)) > 1:
            raise invalid("a request has at most one x-amz-checksum- header or trailer")
        self._kept = {*chosen, *((check_algorithm(algorithm),) if algorithm else ())}
        self._trailers = {name for name in trailers if name}
        names = {"md5", *self._kept, *(one.algorithm for one in self._expected)}
        self._computed = {name: ALGORITHMS[name]() for name in names}

    def update(self, block: bytes) -> None:
        """Add a block of the content."""
        for checksum in self._computed.values():
            checksum.update(block)

    def finish(self, trailers: Mapping[str, str]) -> Verified:
        """Return the checksums; raise BadDigest if the content does not have those that its client announced."""
        found = trailers.keys() - {"x-amz-trailer-signature"}
        if found != self._trailers:
            raise S3Error(400, "MalformedTrailerError", f"the trailers are {sorted(found)}; {sorted(self._trailers)} were announced")
        digests = {name: checksum.digest() for name, checksum in self._computed.items()}
        for one in (*self._expected, *_expected_by(trailers)):
            if digests.get(one.algorithm) != one.digest:
                raise S3Error(400, one.code, f"the content does not have the checksum of {one.header}; nothing was stored")
        return Verified(digests["md5"].hex(), {name: encode(digests[name]) for name in sorted(self._kept)})


def _expected_by(headers: Mapping[str, str]) -> list[Expected]:
    found = [
        Expected(name, algorithm_of(name), _decode(name, value, "InvalidRequest")) for name, value in headers.items() if is_checksum(name)
    ]
    if "content-md5" in headers:
        found.append(Expected("Content-MD5", "md5", _decode("md5", headers["content-md5"], "InvalidDigest")))
    announced = headers.get("x-amz-content-sha256", "")
    if re.fullmatch("[0-9a-fA-F]{64}", announced):  # it is a word if the content is not signed
        found.append(Expected("x-amz-content-sha256", "sha256", bytes.fromhex(announced), "XAmzContentSHA256Mismatch"))
    return found


def is_checksum(header: str) -> bool:
    """Return whether a header contains a checksum of S3's clients."""
    return header.startswith(PREFIX) and header.removeprefix(PREFIX) not in OPTIONS


def algorithm_of(header: str) -> str:
    """Return the algorithm of a header; raise NotImplemented if it is unknown."""
    return check_algorithm(header.removeprefix(PREFIX))


def check_algorithm(name: str) -> str:
    """Return the name of an algorithm in lower case; raise NotImplemented if it is unknown."""
    if name.lower() not in ALGORITHMS:
        raise not_implemented(f"the checksum algorithm {name}")
    return name.lower()


def encode(digest: bytes) -> str:
    """Return a checksum as a header contains it."""
    return base64.b64encode(digest).decode()


def _decode(name: str, text: str, code: str) -> bytes:
    name = name.removeprefix(PREFIX)
    try:
        digest = base64.b64decode(text, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != len(ALGORITHMS[check_algorithm(name)]().digest()):
        raise S3Error(400, code, f"{text!r} is not a checksum of {name} in Base64")
    return digest
