"""Fixtures that more than one folder of tests uses."""

import pytest

pytest_plugins = ("tests.support.brokers", "tests.cloud.fixtures")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the cloud tests first: `up` installs RabbitMQ, which other tests need."""
    items.sort(key=lambda item: item.get_closest_marker("cloud") is None)
