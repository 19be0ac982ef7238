"""One object store for the tests of a module; each test has its own bucket."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.objectstore import Server, serving


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a running object store; a module with ``ANONYMOUS`` sends requests that no client signs."""
    anonymous = getattr(request.module, "ANONYMOUS", False)
    with serving(tmp_path_factory.mktemp("objectstore") / "data", anonymous=anonymous) as running:
        yield running


@pytest.fixture(scope="module")
def s3(server: Server) -> Iterator[Any]:
    """Return a client of boto3."""
    with server.client() as client:
        yield client


@pytest.fixture
def bucket(s3: Any) -> str:  # noqa: ANN401 - boto3 has no types
    """Return the name of an empty bucket."""
    name = f"bucket-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=name)
    return name
