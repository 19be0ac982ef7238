"""Chromium in headless mode, controlled with the DevTools protocol over two pipes.

Source: chromedevtools.github.io/devtools-protocol; with `--remote-debugging-pipe`, a zero byte ends each message.
"""

# ruff: noqa: S603, TID251 - tests start known programs

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO, Any

# Chromium reads commands from descriptor 3 and writes responses to descriptor 4.
START = 'exec chromium "$@" 3<&0 4>&1 </dev/null >/dev/null'
# The sandbox does not support root; a container has a small /dev/shm and no graphics.
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")


class Page:
    """A page of a browser."""

    def __init__(self, commands: IO[bytes], responses: IO[bytes]) -> None:
        self._commands, self._responses, self._ids = commands, responses, count(1)
        self._session = ""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def open(self, url: str) -> None:
        """Open a URL."""
        self._call("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:  # noqa: ANN401 - a JavaScript value
        """Return the value of a JavaScript expression in the page."""
        response = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in response, response["exceptionDetails"]
        return response["result"].get("value")

    def type(self, text: str) -> None:
        """Press the keys of a text one after another; a line feed is Return. No key may require Shift."""
        for letter in text:
            key = {"\n": {"key": "Enter", "code": "Enter"}}.get(letter, {"key": letter, "text": letter})
            self._call("Input.dispatchKeyEvent", type="keyDown", **key)
            self._call("Input.dispatchKeyEvent", type="keyUp", **key)

    def _call(self, method: str, **parameters: object) -> dict[str, Any]:
        number = next(self._ids)
        message = {"id": number, "method": method, "params": parameters, **({"sessionId": self._session} if self._session else {})}
        self._commands.write(json.dumps(message).encode() + b"\0")
        self._commands.flush()
        while (response := json.loads(self._read())).get("id") != number:
            pass  # an event
        assert "error" not in response, f"{method}: {response['error']}"
        result: dict[str, Any] = response["result"]
        return result

    def _read(self) -> bytes:
        """Return the next message; empty at the end of the stream."""
        return b"".join(iter(lambda: self._responses.read(1).rstrip(b"\0"), b""))


@contextmanager
def browser(home: Path) -> Iterator[Page]:
    """Return a page of a browser whose profile is in the folder ``home``."""
    argv = ("sh", "-c", START, "sh", *OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={home}")
    with (
        (home / "chromium.log").open("wb") as log,
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env={**os.environ, "HOME": str(home)}) as program,
    ):
        assert program.stdin is not None
        assert program.stdout is not None
        try:
            yield Page(program.stdin, program.stdout)
        finally:
            program.terminate()
