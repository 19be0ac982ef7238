"""Configuration files, read back with a parser for oslo.config's format."""

from configparser import RawConfigParser
from pathlib import Path

import pytest

from workflows.services.oslo.config_file import Value, render_config


def test_sections_and_options_keep_their_order() -> None:
    """Sections are separated by a blank line."""
    assert render_config({"DEFAULT": {"debug": False}, "api": {"workers": 2, "root": Path("/srv")}}) == (
        "[DEFAULT]\ndebug = false\n\n[api]\nworkers = 2\nroot = /srv\n"
    )


def test_the_last_layer_has_priority() -> None:
    """Layers are merged option by option."""
    parser = RawConfigParser()
    parser.read_string(render_config({"api": {"workers": 2, "port": 80}}, {"api": {"workers": 3}, "cache": {"enabled": True}}))
    assert {section: dict(parser[section]) for section in parser.sections()} == {
        "api": {"workers": "3", "port": "80"},
        "cache": {"enabled": "true"},
    }


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (0, "0"), (1.5, "1.5"), ("a$b", "a$$b"), ("100 %", "100 %"), ("", "")])
def test_values_are_escaped(value: Value, text: str) -> None:
    """oslo.config substitutes names after a dollar sign; a percent sign has no meaning."""
    assert render_config({"api": {"option": value}}) == f"[api]\noption = {text}\n"
