"""The page about the object store lists what its server supports."""

import re
from pathlib import Path

from workflows.services.objectstore.s3_server.checksums import ALGORITHMS
from workflows.services.objectstore.s3_server.routes import ROUTES

PAGE = (Path(__file__).parents[2] / "docs/reference/object-store.md").read_text()
PATHS = {"service": "/", "bucket": "/BUCKET", "object": "/BUCKET/KEY"}


def test_each_request_is_listed() -> None:
    """The table has a row for each operation, and no other."""
    supported = {f"{route.method} {PATHS[route.kind]}{'?' * bool(route.needs)}{'&'.join(sorted(route.needs))}" for route in ROUTES}
    assert {*re.findall(r"^\| `(.+?)` \|", PAGE, re.MULTILINE)} == supported


def test_each_checksum_is_listed() -> None:
    """The page names the algorithms."""
    assert [name for name in ALGORITHMS if f"`{name}`" not in PAGE] == []
