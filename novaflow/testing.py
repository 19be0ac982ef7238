"""Fixtures of pytest for projects that test against OpenStack Nova: a stack, a connection to its cloud, and its events.

pytest finds this module by itself where novaflow is installed with its extra ``testing``. The stack is used through the command line,
as a user would; so its settings come from the environment and from ``.env``.
"""

# ruff: noqa: S603, TID251 - fixtures are synchronous, and the program is novaflow

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, TextIO

import pytest

if TYPE_CHECKING:
    from openstack.connection import Connection

_NOVAFLOW = (sys.executable, "-P", "-m", "novaflow.cli.main")
_SHOWN = 3000  # last characters of the output of a command that failed
_STOP_S = 10.0  # for the program that reads events


@dataclass(frozen=True, slots=True)
class NovaflowStack:
    """A stack that is ready; ``folder`` is its DIR."""

    folder: Path

    def run(self, command: str, *arguments: str) -> str:
        """Run a command of novaflow on the stack, and return its standard output.

        Raises: RuntimeError, with the end of its output, if it fails.
        """
        done = self._call(command, *arguments)
        if done.returncode != 0:
            output = (done.stdout + done.stderr)[-_SHOWN:]
            raise RuntimeError(f"novaflow {command} ended with {done.returncode}:\n{output}")
        return done.stdout

    def is_ready(self) -> bool:
        """Return whether the stack is up and every service is ready."""
        return self._call("status").returncode == 0

    def _call(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        argv = (*_NOVAFLOW, command, *arguments, str(self.folder))
        return subprocess.run(argv, capture_output=True, check=False, stdin=subprocess.DEVNULL, text=True)


class EventStream:
    """The events of a stack from a time on, as CloudEvents in JSON; in order, each once."""

    def __init__(self, stack: NovaflowStack) -> None:
        since = datetime.now(UTC).isoformat()
        argv = (*_NOVAFLOW, "events", "--follow", "--json", "--since", since, str(stack.folder))
        self._program = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self._events: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._passed: deque[str] = deque(maxlen=20)
        self._reader = Thread(target=self._read, args=(self._program.stdout,), name="novaflow-events", daemon=True)
        self._reader.start()

    def _read(self, output: TextIO) -> None:
        with output:
            for line in output:
                self._events.put(json.loads(line))

    def wait_for(self, kind: str, *, subject: str = "*", within_s: float = 60) -> dict[str, Any]:
        """Return the next event of a type that matches ``kind`` about ``subject``; both may have the wildcards * and ?.

        ``kind`` is the end of the type, without the project's name: ``instance.create-end``, ``service.ready``.

        Raises: AssertionError, with the last events that came instead, if there is none within ``within_s``.
        """
        until = time.monotonic() + within_s
        while True:
            try:
                event = self._events.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                came = ", ".join(self._passed) or "none"
                raise AssertionError(f"no event {kind} about {subject} within {within_s:g} s; these came: {came}") from None
            found = event["type"].removeprefix("novaflow.")
            if fnmatchcase(found, kind) and fnmatchcase(event["subject"], subject):
                return event
            self._passed.append(f"{found} {event['subject']}")

    def close(self) -> None:
        """End the program that reads the events."""
        self._program.terminate()
        self._program.wait(_STOP_S)
        self._reader.join(_STOP_S)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("novaflow")
    group.addoption(
        "--novaflow-dir", metavar="DIR", default="nova", help="folder of the stack (default: nova, in the root folder of the tests)"
    )
    group.addoption(
        "--novaflow-cloud", metavar="NAME", default="novaflow-demo", help="cloud of clouds.yaml (default: novaflow-demo, an ordinary user)"
    )
    group.addoption("--novaflow-keep", action="store_true", help="leave a stack up that the tests have started")


@pytest.fixture(scope="session")
def novaflow_stack(request: pytest.FixtureRequest) -> Iterator[NovaflowStack]:
    """Return a stack that is ready: one that is up is joined and left alone, another is started, and stopped at the end."""
    stack = NovaflowStack(request.config.rootpath / request.config.getoption("--novaflow-dir"))
    if stack.is_ready():
        yield stack
        return
    if hasattr(request.config, "workerinput"):
        pytest.fail(f"the stack in {stack.folder} is not ready; several processes of tests join one that is: novaflow up {stack.folder}")
    stack.run("up")
    yield stack
    if not request.config.getoption("--novaflow-keep"):
        stack.run("clean")


@pytest.fixture(scope="session")
def openstack_connection(novaflow_stack: NovaflowStack, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """Return a connection of openstacksdk to the stack's cloud."""
    import openstack  # noqa: PLC0415 - projects without it use the other fixtures

    config = openstack.config.OpenStackConfig(config_files=[str(novaflow_stack.folder / "credentials" / "clouds.yaml")])
    with openstack.connection.Connection(config=config.get_one(cloud=request.config.getoption("--novaflow-cloud"))) as connection:
        yield connection


@pytest.fixture
def event_stream(novaflow_stack: NovaflowStack) -> Iterator[EventStream]:
    """Return the events of the stack from the start of the test on."""
    stream = EventStream(novaflow_stack)
    yield stream
    stream.close()
