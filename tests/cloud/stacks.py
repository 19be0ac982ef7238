"""A real stack in a temporary folder, used through the command line."""

# ruff: noqa: S603, TID251 - tests start known programs and pass the environment on

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cloud.machine_state import read_state

NOVAFLOW = Path(sys.executable).with_name("novaflow")
UP_WITHIN_S = 900  # the first one installs packages
WITHIN_S = 300


class Stack:
    """A stack, and the state of the machine before it was started."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.before = read_state()
        self._settings = settings

    def __call__(self, *arguments: str, within_s: float = WITHIN_S, good: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of novaflow on the stack; it must succeed, unless ``good`` is false."""
        completed = subprocess.run(
            [NOVAFLOW, *arguments, self.folder],
            cwd=self.folder.parent,  # without the .env of a developer
            env={**os.environ, **self._settings},
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=within_s,
        )
        transcript = f"$ novaflow {' '.join(arguments)}\n{completed.stdout}{completed.stderr}(exit code {completed.returncode})"
        print(transcript)  # noqa: T201 - pytest shows it when a test fails
        assert not good or completed.returncode == 0, transcript[-4000:]
        return completed

    def up(self) -> str:
        """Start the stack with an empty cloud, if it is not up, and return the output."""
        is_up = self("status", good=False).returncode in {0, 3, 4}
        return self("up", *(() if is_up else ("--fresh", "--yes")), within_s=UP_WITHIN_S).stdout

    def status(self) -> dict[str, Any]:
        """Return the output of `status --json`."""
        status: dict[str, Any] = json.loads(self("status", "--json").stdout)
        return status


@contextmanager
def stack_in_folder(name: str, **settings: str) -> Iterator[Stack]:
    """Return a new stack; its path is short, because it contains sockets."""
    parent = Path(tempfile.mkdtemp(prefix="nf-"))
    stack = Stack(parent / name, **settings)
    try:
        yield stack
    finally:
        stack("clean", good=False)
        shutil.rmtree(parent, ignore_errors=True)
