"""`novaflow config`: the effective settings and their origin."""

import json

import pytest

from novaflow.settings import CoreSettings
from tests.support.toy_stack import Novaflow, ToyStack


def test_a_line_has_name_value_and_origin(novaflow: Novaflow, toy: ToyStack) -> None:
    """The table has three columns; a default is in parentheses."""
    (toy.folder / ".env").write_text("NOVAFLOW_JOBS=3\n")
    lines = novaflow("config").out.splitlines()
    rows = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines}
    assert rows["NOVAFLOW_JOBS"].split(maxsplit=1) == ["3", "./.env line 1"]
    assert rows["NOVAFLOW_WORKFLOWS"].split() == [str(toy.workflows), "environment"]
    assert rows["NOVAFLOW_ON_READY"].split() == ["(none)", "default"]
    assert len({len(line) - len(line.split("  ")[-1].lstrip()) for line in lines}) == 1


def test_json_has_value_and_origin(novaflow: Novaflow) -> None:
    """The object has an entry for each setting; an empty value means that it is not set."""
    shown = json.loads(novaflow("config", "--json").out)
    assert shown.keys() == {name.upper() for name in CoreSettings.model_fields}
    assert shown["NOVAFLOW_ON_READY"] == {"value": "", "origin": "default"}
    assert shown["SCREEN_NAME"] == {"value": "nova", "origin": "default"}


def test_passwords_are_masked(novaflow: Novaflow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the table nor the JSON object contains a password."""
    monkeypatch.setenv("NOVAFLOW_EVENTS_URL", "amqp://me:hush-hush@broker/events")
    table, shown = novaflow("config"), novaflow("config", "--json")
    assert (table.code, shown.code) == (0, 0)
    assert "hush-hush" not in table.out + shown.out
    assert json.loads(shown.out)["NOVAFLOW_EVENTS_URL"] == {"value": "amqp://********@broker/events", "origin": "environment"}


def test_the_command_line_has_the_highest_precedence(novaflow: Novaflow, toy: ToyStack) -> None:
    """--set overrides the environment, which overrides DIR/.env, which overrides .env."""
    toy.root.mkdir()
    (toy.folder / ".env").write_text("SCREEN_NAME=one\nSCREEN_STATUS=0\nNOVAFLOW_JOBS=1\n")
    (toy.root / ".env").write_text("SCREEN_NAME=two\nNOVAFLOW_JOBS=2\n")
    shown = json.loads(novaflow("config", "--json", "--set", "SCREEN_NAME=three").out)
    assert shown["SCREEN_NAME"] == {"value": "three", "origin": "command line"}
    assert shown["NOVAFLOW_JOBS"] == {"value": "2", "origin": "nova/.env line 2"}
    assert shown["SCREEN_STATUS"] == {"value": "0", "origin": "./.env line 2"}


def test_an_unknown_setting_is_refused(novaflow: Novaflow) -> None:
    """The message suggests the closest name."""
    ended = novaflow("config", "--set", "SCREEN_NAMES=x")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("novaflow: unknown setting SCREEN_NAMES (command line)")
    assert "SCREEN_NAME?" in ended.err


def test_an_invalid_value_is_refused(novaflow: Novaflow) -> None:
    """The message has the setting, its value, its origin and what is allowed."""
    ended = novaflow("config", "--set", "NOVAFLOW_JOBS=many")
    assert ended.code == 2
    assert "NOVAFLOW_JOBS=many (command line)" in ended.err
    assert "a whole number from 1 up" in ended.err


SETTINGS = """
from pydantic import Field

from novaflow.model.component import Component
from novaflow.settings import Allowed, Conflict, SettingsGroup
from typing import Annotated


class Cards(SettingsGroup):
    card: Annotated[str, Allowed("a card")] = Field(default="none", description="A card.")

    def find_unavailable(self):
        return [Conflict(("CARD",), "there is no such card")] if self.card != "none" else []


COMPONENT = Component("cards", "Cards.", settings=(Cards,))
"""


def test_what_the_machine_does_not_have_is_refused(novaflow: Novaflow, toy: ToyStack) -> None:
    """`config` names setting, value and origin; `status` works, because the card may have been removed."""
    toy.write("components/cards.py", SETTINGS)
    ended = novaflow("config", "--set", "CARD=eth7")
    assert (ended.code, ended.out, ended.err) == (2, "", "novaflow: CARD=eth7 (command line): there is no such card\n")
    assert novaflow("config").code == 0
    assert novaflow("status", "--set", "CARD=eth7").code == 6


DECLARED = """
from novaflow.model.component import Component
from novaflow.model.config_file import ConfigFile

COMPONENT = Component("httpd", "A web server.", {}, declares=(ConfigFile("httpd/httpd.conf"), ConfigFile("httpd/users.conf")))
"""
WRITTEN = """\
[DEFAULT]
connection = mysql+pymysql://root:{}@127.0.0.1/web
max_password_length = 72

[users]
password = {}
shared_secret={}
"""


def test_the_files_of_a_service_are_shown_without_passwords(novaflow: Novaflow, toy: ToyStack) -> None:
    """In URLs and in options whose names say so; each file comes after its path."""
    toy.write("components/httpd.py", DECLARED)
    folder = toy.paths.etc / "httpd"
    folder.mkdir(parents=True)
    (folder / "httpd.conf").write_text(WRITTEN.format("hush-1", "hush-2", "hush-3"))
    (folder / "users.conf").write_text("[a]\nb = 1\n")
    masked = WRITTEN.format(*["********"] * 3)
    assert novaflow("config", "--service", "httpd").out == f"# {folder}/httpd.conf\n{masked}\n# {folder}/users.conf\n[a]\nb = 1\n"
    shown = json.loads(novaflow("config", "--service", "httpd", "--json").out)
    assert shown == {f"{folder}/httpd.conf": masked, f"{folder}/users.conf": "[a]\nb = 1\n"}


def test_a_service_without_files_is_an_error(novaflow: Novaflow, toy: ToyStack) -> None:
    """The message names those that have some, and the nearest; before the first start, no file exists."""
    toy.write("components/httpd.py", DECLARED)
    ended = novaflow("config", "--service", "htpd")
    assert (ended.code, ended.err) == (2, "novaflow: no service 'htpd' has configuration files; did you mean httpd?; these have: httpd\n")
    ended = novaflow("config", "--service", "httpd")
    assert (ended.code, ended.err) == (2, f"novaflow: {toy.paths.etc}/httpd/httpd.conf does not exist; `novaflow up` writes it\n")
