"""The completion of multipart uploads."""

import base64
import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import pairwise

from .body import read_document
from .checksums import ALGORITHMS, PREFIX, Verifier, encode, is_checksum
from .conditions import check_write
from .copying import checksum_parts
from .errors import S3Error, invalid
from .http import Request, Response
from .multipart import COMPOSITE, FULL_OBJECT
from .objects import StoredObject
from .store import Store
from .uploads import Part, Upload
from .xml import parse, respond

MIN_PART = 5 << 20  # bytes; S3's limit of each part but the last


def complete_upload(store: Store, request: Request) -> Response:
    """Make an object of the named parts of an upload; it appears whole or, if anything is wrong, not at all."""
    upload = store.uploads.find(request.bucket, request.key, request.query["uploadId"])
    announced = {name: value for name, value in request.headers.items() if is_checksum(name)}
    # Checksums in the headers are those of the object, not those of the document.
    document = read_document(request, announced={name: value for name, value in request.headers.items() if name not in announced})
    parts = _chosen(parse(document, "CompleteMultipartUpload"), store.uploads.parts(upload.id))
    expected = request.headers.get("x-amz-mp-object-size", str(sum(part.size for part in parts)))
    if expected != str(sum(part.size for part in parts)):
        raise invalid(f"the parts have {sum(part.size for part in parts)} bytes; x-amz-mp-object-size is {expected}")
    with store.contents.new() as content:
        verifier = _verifier(upload, announced)
        size = content.write(_blocks(store, parts), verifier.update)
        checksums = _checksums(upload, parts, announced) or verifier.finish({}).checksums
        details = replace(upload.details, checksums=checksums, parts=tuple(part.size for part in parts))
        new = StoredObject(upload.key, content.file, size, _etag(parts), details)
        unused = store.objects.put(upload.bucket, new, lambda old: check_write(request.headers, upload.key, old), upload.id)
    store.contents.remove(*unused)
    names = ("Location", f"/{upload.bucket}/{upload.key}"), ("Bucket", upload.bucket), ("Key", upload.key), ("ETag", f'"{new.etag}"')
    kind = (("ChecksumType", details.checksum_type),) if checksums else ()
    return respond("CompleteMultipartUploadResult", (*names, *checksum_parts(checksums), *kind))


def _chosen(document: ET.Element, stored: Sequence[Part]) -> list[Part]:
    """Return the parts that the document names; raise InvalidPart, InvalidPartOrder or EntityTooSmall."""
    known = {str(part.number): part for part in stored}
    named = [{child.tag: (child.text or "").strip() for child in entry} for entry in document.iterfind("Part")]
    parts = [known.get(entry.get("PartNumber", "")) for entry in named]
    chosen = [part for part, entry in zip(parts, named, strict=True) if part and _is_same(part, entry)]
    if not named:
        raise S3Error(400, "MalformedXML", "the document names no parts")
    if len(chosen) < len(named):
        raise S3Error(400, "InvalidPart", "a part was not uploaded, or has another entity tag or checksum")
    if any(one.number >= other.number for one, other in pairwise(chosen)):
        raise S3Error(400, "InvalidPartOrder", "the numbers of the parts do not ascend")
    if any(part.size < MIN_PART for part in chosen[:-1]):
        raise S3Error(400, "EntityTooSmall", f"each part but the last has at least {MIN_PART} bytes")
    return chosen


def _is_same(part: Part, entry: Mapping[str, str]) -> bool:
    checksums = {f"Checksum{name.upper()}": value for name, value in part.checksums.items()}
    same_checksums = all(entry.get(name, value) == value for name, value in checksums.items())
    return entry.get("ETag", "").strip('"') == part.etag and same_checksums


def _verifier(upload: Upload, announced: Mapping[str, str]) -> Verifier:
    is_composite = upload.algorithm and upload.details.checksum_type == COMPOSITE
    return Verifier({}) if is_composite else Verifier(announced, algorithm=upload.algorithm)


def _checksums(upload: Upload, parts: Sequence[Part], announced: Mapping[str, str]) -> dict[str, str]:
    """Return the composite checksum, the checksum of the checksums of the parts; none if the upload has another kind."""
    if not upload.algorithm or upload.details.checksum_type == FULL_OBJECT:
        return {}
    checksum = ALGORITHMS[upload.algorithm]()
    for part in parts:
        checksum.update(base64.b64decode(part.checksums[upload.algorithm]))
    found = {upload.algorithm: f"{encode(checksum.digest())}-{len(parts)}"}
    for name, value in announced.items():
        if value not in {found.get(name.removeprefix(PREFIX)), encode(checksum.digest())}:
            raise S3Error(400, "BadDigest", f"the parts do not have the checksum of {name}; nothing was stored")
    return found


def _blocks(store: Store, parts: Sequence[Part]) -> Iterator[bytes]:
    for part in parts:
        with closing(store.contents.open(part.file)) as content:
            yield from content


def _etag(parts: Sequence[Part]) -> str:
    digests = b"".join(bytes.fromhex(part.etag) for part in parts)
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
