"""Effective settings, by group."""

import pytest

from novaflow.model.component import Component, declared
from novaflow.model.settings import Settings


class Basic:
    """A group of settings."""


class Extended(Basic):
    """A group with further settings."""


class Other:
    """A group that no component declares."""


def test_a_group_is_found_by_its_class() -> None:
    """A subclass is one, too; of several, the one that was declared first is returned."""
    extended, basic = Extended(), Basic()
    settings = Settings(groups={Extended: extended, Basic: basic})
    assert settings.of(Basic) is extended
    assert settings.of(Extended) is extended
    assert Settings(groups={Basic: basic}).of(Basic) is basic


def test_a_group_that_is_missing_is_an_error() -> None:
    """The message names the class."""
    with pytest.raises(LookupError) as missing:
        Settings(groups={Basic: Basic()}).of(Extended)
    assert str(missing.value) == "no component declares the settings Extended"


@pytest.mark.parametrize(
    ("host_ip", "tls", "local_ip"),
    [
        ("127.0.0.1", False, "127.0.0.1"),
        ("127.0.0.1", True, "127.1.0.1"),
        ("127.255.0.9", True, "127.0.0.9"),
        ("192.168.1.5", True, "127.168.1.5"),
        ("192.168.1.5", False, "127.168.1.5"),
    ],
)
def test_services_listen_on_loopback(host_ip: str, tls: bool, local_ip: str) -> None:  # noqa: FBT001 - pytest passes it by name
    """A proxy is used if clients connect to another address, which TLS needs."""
    settings = Settings(host_ip, tls=tls)
    assert (settings.local_ip, settings.uses_proxy) == (local_ip, local_ip != host_ip)


def test_declared_values_are_found_by_type() -> None:
    """In the order of the components, and of their declarations; others are left out."""
    first, second, third = Basic(), Extended(), Basic()
    components = (
        Component("web", "A toy.", declares=(first, 7, second)),
        Component("mail", "A toy."),
        Component("db", "A toy.", declares=(third,)),
    )
    assert declared(components, Basic) == (first, second, third)
    assert declared(components, Extended) == (second,)
    assert declared(components, Other) == ()
