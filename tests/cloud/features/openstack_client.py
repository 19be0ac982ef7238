"""The `openstack` command that a user of the cloud types."""

# ruff: noqa: S603, TID251 - tests start known programs

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

WITHIN_S = 300  # `--wait` is a part of a command


class Refused(Exception):
    """The client ended with an error; the text is what it printed."""


@dataclass(frozen=True, slots=True)
class OpenStackClient:
    """The client of the stack in ``folder``, with the credentials of a cloud of its clouds.yaml, by default the administrator's."""

    folder: Path
    cloud: str = "novaflow"

    def run(self, *arguments: object) -> str:
        """Run a command, and return its output.

        Raises: Refused, if its exit code is not 0.
        """
        completed = subprocess.run(
            [self.folder / "venv/bin/openstack", *map(str, arguments)],
            env={**os.environ, "OS_CLOUD": self.cloud, "OS_CLIENT_CONFIG_FILE": str(self.folder / "credentials/clouds.yaml")},
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=WITHIN_S,
        )
        if completed.returncode != 0:
            raise Refused(completed.stderr.strip())
        return completed.stdout

    def read(self, *arguments: object) -> Any:  # noqa: ANN401 - what the command shows
        """Run a command that shows something, and return it: a list of rows, or the fields of a resource."""
        return json.loads(self.run(*arguments, "-f", "json"))

    @contextmanager
    def temporary(self, kind: str, name: str, *options: object) -> Iterator[Any]:
        """Create a resource, return what the client shows of it, and delete it at the end of the block."""
        created = self.read(*kind.split(), "create", *options, name)
        try:
            yield created
        finally:
            self.run(*kind.split(), "delete", *(("--wait",) if kind == "server" else ()), name)

    def read_failure(self, *options: object) -> str:
        """Create a server that gets the status ERROR, delete it, and return nova's reason."""
        name = "failed"
        try:
            with pytest.raises(Refused, match="Error creating server"):
                self.run("server", "create", "--network", "private", "--wait", *options, name)
            shown = self.read("server", "show", name)
            assert shown["status"] == "ERROR"
            return str(shown["fault"]["message"])
        finally:
            self.run("server", "delete", "--wait", name)
