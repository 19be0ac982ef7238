"""Fixtures that more than one folder of tests uses."""

import pytest

pytest_plugins = ("tests.support.brokers",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the cloud's tests go first: `up` installs what others test with, RabbitMQ."""
    items.sort(key=lambda item: item.get_closest_marker("cloud") is None)
