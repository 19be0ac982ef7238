"""The manual page."""

# ruff: noqa: S603, TID251 - the program that the tests start is groff

import re
import shutil
import subprocess

import pytest

from novaflow.cli.main import COMMANDS
from tools.man_page import page


def format_page() -> subprocess.CompletedProcess[str]:
    """Return what groff prints for the page, with all of its warnings."""
    argv = ("groff", "-k", "-man", "-ww", "-Tutf8", "-P-c", "-rLL=200n")
    return subprocess.run(argv, input=page(), capture_output=True, check=True, text=True, timeout=30)


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_the_page_is_formatted() -> None:
    """There is no warning, and text that looks like a request of troff is printed; the headings are the commands."""
    formatted = format_page()
    assert formatted.stderr == ""
    plain = re.sub(r".\x08|\x1b\[[0-9;]*m", "", formatted.stdout)
    sections = re.findall(r"^([A-Z ]+)$", plain, re.MULTILINE)
    assert sections == ["NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "EXIT STATUS", "FILES", "SEE ALSO"]
    headings = re.findall(r"^   (\S+)(?: .*)?$", plain, re.MULTILINE)
    assert headings == [*COMMANDS]


def test_a_line_cannot_become_a_request() -> None:
    """Each line that begins with a dot is a macro of the page."""
    macros = {line.partition(" ")[0] for line in page().splitlines() if line.startswith((".", "'"))}
    assert macros == {'.\\"', ".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".I", ".RI"}
