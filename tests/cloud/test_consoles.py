"""Consoles: a server's screen in a browser, with its keyboard, and what its serial line said."""

from pathlib import Path

import pytest

from tests.cloud.browser import browser
from tests.cloud.clients import BOOT_S, connected, console, server, wait_for
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]

VGA_TEXT = [720, 400]  # what a PC's screen of 80 by 25 letters is
LETTERS = 1000  # lit dots; a single cursor has fewer
SAID = "(s => s && s.textContent)(document.querySelector('#status'))"
# noVNC draws what the server's screen shows on its page's only canvas.
SIZE = "(s => s && [s.width, s.height])(document.querySelector('canvas'))"
LIT = """(s => s.getContext('2d').getImageData(0, 0, s.width, s.height).data.filter((value, index) => index % 4 < 3 && value > 100).length)
(document.querySelector('canvas'))"""


def test_a_screen_is_seen_and_typed_at_in_a_browser(cloud: Stack, tmp_path: Path) -> None:
    """The API's address, and no other, shows letters on the server's screen in Chromium; what is typed there is done by the server."""
    with connected(cloud.folder / "credentials") as nova, server(nova, "screen") as shown, browser(tmp_path) as page:
        wait_for("the boot", lambda: "tty: ready" in console(nova, shown.id), BOOT_S)
        made = nova.compute.create_console(shown, "novnc")
        assert made is not None
        url = made["url"]
        page.open(f"{url}0")
        wait_for("a refusal", lambda: page.evaluate(SAID) == "Something went wrong, connection is closed")
        page.open(url)
        wait_for("the screen", lambda: page.evaluate(SIZE) == VGA_TEXT)
        wait_for("letters on it", lambda: page.evaluate(LIT) > LETTERS)
        page.evaluate("document.querySelector('canvas').focus()")
        page.type("root\n")
        wait_for("the login", lambda: "root login on 'tty1'" in console(nova, shown.id))
        page.type("cp /etc/passwd /dev/console\n")
        wait_for("what was typed to be done", lambda: "root::0:0:" in console(nova, shown.id))
