"""Chromium without a screen, driven over two pipes in its own protocol.

Source: chromedevtools.github.io/devtools-protocol; `--remote-debugging-pipe` ends each message with a zero byte.
"""

# ruff: noqa: S603, TID251 - the programs tests start are their own

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO, Any

# It reads what it is told from descriptor 3, and tells on descriptor 4.
START = 'exec chromium "$@" 3<&0 4>&1 </dev/null >/dev/null'
# Root needs no sandbox for pages of its own; a container has a small /dev/shm and no graphics.
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")


class Page:
    """A page in a browser."""

    def __init__(self, told: IO[bytes], tells: IO[bytes]) -> None:
        self._told, self._tells, self._numbers = told, tells, count(1)
        self._session = ""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def open(self, url: str) -> None:
        """Go to an address."""
        self._call("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:  # noqa: ANN401 - whatever the page says
        """Return what a line of JavaScript comes to in the page."""
        said = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    def type(self, text: str) -> None:
        """Press the keys that make the text, one after another, where none needs Shift; a line's end is Return."""
        for letter in text:
            key = {"\n": {"key": "Enter", "code": "Enter"}}.get(letter, {"key": letter, "text": letter})
            self._call("Input.dispatchKeyEvent", type="keyDown", **key)
            self._call("Input.dispatchKeyEvent", type="keyUp", **key)

    def _call(self, method: str, **parameters: object) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters, **({"sessionId": self._session} if self._session else {})}
        self._told.write(json.dumps(message).encode() + b"\0")
        self._told.flush()
        while (answer := json.loads(self._read())).get("id") != number:
            pass  # what it tells unasked
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    def _read(self) -> bytes:
        """Return the next message; nothing after the last one."""
        return b"".join(iter(lambda: self._tells.read(1).rstrip(b"\0"), b""))


@contextmanager
def browser(home: Path) -> Iterator[Page]:
    """Lend a page of a browser that keeps what it has in ``home``."""
    words = ("sh", "-c", START, "sh", *OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={home}")
    with (
        (home / "chromium.log").open("wb") as log,
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env={**os.environ, "HOME": str(home)}
        ) as program,
    ):
        assert program.stdin is not None
        assert program.stdout is not None
        try:
            yield Page(program.stdin, program.stdout)
        finally:
            program.terminate()
