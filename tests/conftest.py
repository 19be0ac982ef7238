"""Fixtures that more than one folder of tests uses."""

import os
from collections.abc import Iterator

import pytest

pytest_plugins = ("tests.support.brokers", "tests.cloud.fixtures")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the cloud tests first: `up` installs RabbitMQ, which other tests need. Those that stop the shared cloud come last of them."""
    items.sort(key=lambda item: (item.get_closest_marker("cloud") is None, item.get_closest_marker("stops_cloud") is not None))


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    """Set the umask that most users have: tests depend neither on that of the caller nor on that of the program, run in this process."""
    before = os.umask(0o022)
    yield
    os.umask(before)
