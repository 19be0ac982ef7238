"""The graphical console of a server in a browser."""

from pathlib import Path

import pytest

from tests.cloud.browser import browser
from tests.cloud.clients import connected, console, guest, tty_password, wait_for
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]

VGA_TEXT = [720, 400]  # the resolution of the text mode with 80 by 25 characters
LETTERS = 1000  # bright pixels; a cursor alone has fewer
SCREEN_TEXT = "cat /dev/vcs1"
STATUS = "(s => s && s.textContent)(document.querySelector('#status'))"
# noVNC draws the console on the only canvas of its page.
SIZE = "(s => s && [s.width, s.height])(document.querySelector('canvas'))"
BRIGHT = """(s => s.getContext('2d').getImageData(0, 0, s.width, s.height).data
.filter((value, index) => index % 4 < 3 && value > 100).length)
(document.querySelector('canvas'))"""


def test_a_browser_shows_and_controls_the_console(cloud: Stack, tmp_path: Path) -> None:
    """Chromium shows the text at the URL of the API only; root logs in there with the password of the stack."""
    with connected(cloud.folder / "credentials") as nova, guest(nova, tmp_path, "screen") as shown, browser(tmp_path) as page:
        created = nova.compute.create_console(nova.compute.get_server(shown.id), "novnc")
        assert created is not None
        url = created["url"]
        page.open(f"{url}0")
        wait_for("the rejection", lambda: page.evaluate(STATUS) == "Something went wrong, connection is closed")
        page.open(url)
        wait_for("the console", lambda: page.evaluate(SIZE) == VGA_TEXT)
        wait_for("its text", lambda: page.evaluate(BRIGHT) > LETTERS)
        page.evaluate("document.querySelector('canvas').focus()")
        page.type("root\n")
        wait_for("the question", lambda: "Password:" in shown.run(SCREEN_TEXT))  # text before it is discarded
        page.type(f"{tty_password(cloud.folder)}\n")
        wait_for("the login", lambda: "root login on 'tty1'" in console(nova, shown.id))
        page.type("cp /proc/version /dev/console\n")
        wait_for("the output of the command", lambda: "Linux version " in console(nova, shown.id))
