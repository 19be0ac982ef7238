"""Settings as text: complete for programs, masked for display."""

from pathlib import Path

from pydantic import SecretStr

from novaflow.settings import CoreSettings
from novaflow.settings.texts import write_masked_texts
from tests.support.settings import load, make_settings


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
