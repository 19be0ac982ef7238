"""Configuration files, read back as oslo.config's own kind of parser would."""

from configparser import RawConfigParser
from pathlib import Path

import pytest

from workflows.services.ini import Value, render_ini


def test_sections_and_options_stand_in_their_order() -> None:
    """The text is what a person would write."""
    assert render_ini({"DEFAULT": {"debug": False}, "api": {"workers": 2, "root": Path("/srv")}}) == (
        "[DEFAULT]\ndebug = false\n\n[api]\nworkers = 2\nroot = /srv\n"
    )


def test_the_later_layer_holds() -> None:
    """Option by option; what only one of them says stays."""
    parser = RawConfigParser()
    parser.read_string(render_ini({"api": {"workers": 2, "port": 80}}, {"api": {"workers": 3}, "cache": {"enabled": True}}))
    assert {section: dict(parser[section]) for section in parser.sections()} == {
        "api": {"workers": "3", "port": "80"},
        "cache": {"enabled": "true"},
    }


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (0, "0"), (1.5, "1.5"), ("a$b", "a$$b"), ("100 %", "100 %"), ("", "")])
def test_values_are_written_so_that_they_are_read_as_they_are(value: Value, text: str) -> None:
    """A dollar would begin a substitution; a percent sign is nothing special."""
    assert render_ini({"api": {"option": value}}) == f"[api]\noption = {text}\n"
