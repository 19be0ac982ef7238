"""A real stack in a temporary folder, used through the command line."""

# ruff: noqa: S603, TID251 - tests start known programs and pass the environment on

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.cloud.machine_state import read_state

NOVAFLOW = Path(sys.executable).with_name("novaflow")
PREFIX = "nf-test-"  # of the folder around a stack
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
    with folder_of_stacks() as parent:
        stack = Stack(parent / name, **settings)
        try:
            yield stack
        finally:
            stack("clean", good=False)


@contextmanager
def folder_of_stacks() -> Iterator[Path]:
    """Return a new folder; if this process is killed, the next tests clean the stacks in it."""
    parent = Path(tempfile.mkdtemp(prefix=PREFIX))
    with _lock(parent):
        try:
            yield parent
        finally:
            shutil.rmtree(parent, ignore_errors=True)


def remove_interrupted_stacks() -> None:
    """Clean and delete the stacks of tests and benchmarks that were killed: their network would prevent the start of another."""
    for parent in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(BlockingIOError, NotADirectoryError), _lock(parent):
            for folder in parent.iterdir():
                Stack(folder)("clean", good=False)
            shutil.rmtree(parent, ignore_errors=True)


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Hold a lock that ends with this process; raises BlockingIOError if another process holds it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
