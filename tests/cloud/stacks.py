"""A real stack in a folder of its own, handled as its user would."""

# ruff: noqa: S603, TID251 - the programs tests start are their own, and the environment is what CI says

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

from tests.cloud.looking import look

NOVAFLOW = Path(sys.executable).with_name("novaflow")
UP_WITHIN_S = 900  # a first one installs
WITHIN_S = 300


class Stack:
    """A folder with a stack in it, and what the machine looked like before."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.before = look()
        self._settings = settings

    def __call__(self, *words: str, within_s: float = WITHIN_S, good: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of novaflow on the stack; it has to end well, unless ``good`` is false."""
        done = subprocess.run(
            [NOVAFLOW, *words, self.folder],
            cwd=self.folder.parent,  # no .env of a developer's
            env={**os.environ, **self._settings},
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=within_s,
        )
        said = f"$ novaflow {' '.join(words)}\n{done.stdout}{done.stderr}(exit code {done.returncode})"
        print(said)  # noqa: T201 - pytest shows it where a test fails
        assert not good or done.returncode == 0, said[-4000:]
        return done

    def up(self) -> str:
        """Bring it up, if it is not, and return what was said."""
        return self("up", within_s=UP_WITHIN_S).stdout

    def status(self) -> dict[str, Any]:
        """Return what `status --json` says."""
        status: dict[str, Any] = json.loads(self("status", "--json").stdout)
        return status


@contextmanager
def stack_in_folder(name: str, **settings: str) -> Iterator[Stack]:
    """Lend a stack that was never up, in a folder with a short name: sockets lie below it."""
    room = Path(tempfile.mkdtemp(prefix="nf-"))
    stack = Stack(room / name, **settings)
    try:
        yield stack
    finally:
        stack("clean", good=False)
        shutil.rmtree(room, ignore_errors=True)
