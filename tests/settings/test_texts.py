"""Settings as text: complete for programs, masked for display."""

from ipaddress import IPv4Network
from pathlib import Path

import pytest
from pydantic import SecretStr

from novaflow.model.settings import Settings
from novaflow.settings import CoreSettings, load_settings
from novaflow.settings.group import find_fields
from novaflow.settings.texts import write_display_texts, write_masked_texts, write_texts
from tests.support.settings import COMPONENT_GROUPS, GROUPS, STACK, load, make_settings
from workflows.services.neutron.settings import NetMan

FIELDS = find_fields(GROUPS)


def test_secrets_are_masked() -> None:
    """Shown settings contain no password, and the address of the broker."""
    shown = write_masked_texts(
        make_settings(mysql_pass=SecretStr("hush"), novaflow_events_url=SecretStr("amqp://me:hush@broker:5672/here"))
    )
    assert shown["MYSQL_PASS"] == "********"
    assert shown["NOVAFLOW_EVENTS_URL"] == "amqp://********@broker:5672/here"


def test_the_events_url_may_name_several_brokers(tmp_path: Path) -> None:
    """All of them are kept, and shown without their passwords."""
    url = "amqp://me:hush@first:5672/here;amqps://me:quiet@second/here"
    settings = load(tmp_path, {"NOVAFLOW_EVENTS_URL": url}).settings
    kept = settings.of(CoreSettings).novaflow_events_url
    assert kept is not None
    assert kept.get_secret_value() == url
    assert write_masked_texts(settings)["NOVAFLOW_EVENTS_URL"] == "amqp://********@first:5672/here;amqps://********@second/here"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("use_mysql", True, "1"),
        ("use_mysql", False, "0"),
        ("novaflow_jobs", 3, "3"),
        ("net_man", NetMan.FLAT, "FlatManager"),
        ("novaflow_services", ("nova", "glance"), "nova,glance"),
        ("novaflow_components_path", (Path("/srv/a"), Path("/srv/b")), "/srv/a:/srv/b"),
        ("instances_path", Path("/srv/a:b"), "/srv/a:b"),
        ("mysql_pass", SecretStr("hush 'hush'"), "hush 'hush'"),
        ("fixed_range", IPv4Network("10.9.0.0/16"), "10.9.0.0/16"),
        ("interface", None, ""),
    ],
)
def test_a_text_is_read_as_the_value_that_was_written(name: str, value: object, text: str) -> None:
    """Programs that get settings in their environment have the same ones."""
    assert write_texts(make_settings(**{name: value}))[name.upper()] == text
    loaded = load_settings(STACK, COMPONENT_GROUPS, environ={name.upper(): text}, cwd=Path("/srv")).settings
    assert getattr(loaded.of(FIELDS[name.upper()]), name) == value


@pytest.mark.parametrize("password", ["hush", "//hush", "amqp:hush", "x://hush", "x://me@hush", "http://[", "a;b", "https://hush/;//hush"])
def test_a_password_is_masked_whatever_it_looks_like(password: str) -> None:
    """Only the address of a broker is shown, and a password may look like another address."""
    settings = make_settings(mysql_pass=SecretStr(password))
    assert write_masked_texts(settings)["MYSQL_PASS"] == "********"
    assert write_display_texts(settings)["MYSQL_PASS"] == "********"
    assert write_texts(settings)["MYSQL_PASS"] == password


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("amqp://broker", "amqp://********@broker"),
        ("amqp://me:a@b@broker:5672/x", "amqp://********@broker:5672/x"),
        ("amqps://me:hush@[2001:db8::1]/x?heartbeat=5", "amqps://********@[2001:db8::1]/x"),
    ],
)
def test_the_place_of_a_broker_is_shown(url: str, shown: str) -> None:
    """Neither user nor password, also if the password contains an @."""
    assert write_masked_texts(make_settings(novaflow_events_url=SecretStr(url)))["NOVAFLOW_EVENTS_URL"] == shown


def test_a_default_is_described_where_nothing_is_set() -> None:
    """A setting without a value has its computed default, or none, in parentheses."""
    shown = write_display_texts(make_settings(screen_name="mine"))
    assert shown["SCREEN_NAME"] == "mine"
    assert shown["NOVAFLOW_EVENTS_URL"] == "(the stack's own broker)"
    assert shown["NOVAFLOW_SERVICES"] == "(default)"
    assert shown["INTERFACE"] == "(none)"
    assert write_masked_texts(make_settings())["INTERFACE"] == ""


def test_groups_that_are_no_settings_have_no_texts() -> None:
    """Tests and programs may add values of their own."""
    assert write_texts(Settings(groups={int: 7})) == {}
