"""The graphical console of a server in a browser."""

from pathlib import Path

import pytest

from tests.cloud.browser import browser
from tests.cloud.clients import BOOT_S, connected, console, server, wait_for
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]

VGA_TEXT = [720, 400]  # the resolution of the text mode with 80 by 25 characters
LETTERS = 1000  # bright pixels; a cursor alone has fewer
STATUS = "(s => s && s.textContent)(document.querySelector('#status'))"
# noVNC draws the console on the only canvas of its page.
SIZE = "(s => s && [s.width, s.height])(document.querySelector('canvas'))"
BRIGHT = """(s => s.getContext('2d').getImageData(0, 0, s.width, s.height).data
.filter((value, index) => index % 4 < 3 && value > 100).length)
(document.querySelector('canvas'))"""


def test_a_browser_shows_and_controls_the_console(cloud: Stack, tmp_path: Path) -> None:
    """Chromium shows the text of the console at the URL of the API only; the server executes commands that are typed there."""
    with connected(cloud.folder / "credentials") as nova, server(nova, "screen") as shown, browser(tmp_path) as page:
        wait_for("the boot", lambda: "tty: ready" in console(nova, shown.id), BOOT_S)
        created = nova.compute.create_console(shown, "novnc")
        assert created is not None
        url = created["url"]
        page.open(f"{url}0")
        wait_for("the rejection", lambda: page.evaluate(STATUS) == "Something went wrong, connection is closed")
        page.open(url)
        wait_for("the console", lambda: page.evaluate(SIZE) == VGA_TEXT)
        wait_for("its text", lambda: page.evaluate(BRIGHT) > LETTERS)
        page.evaluate("document.querySelector('canvas').focus()")
        page.type("root\n")
        wait_for("the login", lambda: "root login on 'tty1'" in console(nova, shown.id))
        page.type("cp /etc/passwd /dev/console\n")
        wait_for("the output of the command", lambda: "root::0:0:" in console(nova, shown.id))
