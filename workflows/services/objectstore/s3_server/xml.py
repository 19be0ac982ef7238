"""S3's XML documents."""

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from typing import Any

from .errors import S3Error
from .http import Response

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
UNPRINTABLE = re.compile(rb"[\x00-\x08\x0b-\x1f]")  # a key may contain them; S3 writes them as character references

Parts = tuple[tuple[str, Any], ...]


def respond(name: str, parts: Parts) -> Response:
    """Return a response with a document; a part is a name with a text or with parts of its own."""
    return Response(headers={"Content-Type": "application/xml"}, body=(render(name, parts, namespace=NAMESPACE),))


def render(name: str, parts: Parts, *, namespace: str = "") -> bytes:
    """Return a document."""
    root = ET.Element(name, {"xmlns": namespace} if namespace else {})
    _fill(root, parts)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return UNPRINTABLE.sub(lambda found: b"&#%d;" % ord(found[0]), text)


def parse(text: bytes, name: str) -> ET.Element:
    """Return the root of a document without namespaces; raise MalformedXML if it is none or has another root."""
    try:
        root = ET.fromstring(text)  # noqa: S314 - the length is limited, and expat limits the expansion of entities
    except (ET.ParseError, ValueError) as error:
        raise S3Error(400, "MalformedXML", f"the document is not XML: {error}") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    if root.tag != name:
        raise S3Error(400, "MalformedXML", f"the document is {root.tag}; expected {name}")
    return root


def iso_time(when: float) -> str:
    """Return a time, in seconds since 1970, as S3 writes it."""
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(when * 1000) % 1000:03}Z"


def _fill(parent: ET.Element, parts: Parts) -> None:
    for name, value in parts:
        child = ET.SubElement(parent, name)
        if isinstance(value, str):
            child.text = value
        else:
            _fill(child, value)
