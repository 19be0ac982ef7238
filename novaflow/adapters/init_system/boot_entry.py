"""What an init system has to start a stack at boot: the interface of all of them."""

import hashlib
import os
import re
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

import anyio

from novaflow.adapters.process import SYSTEM_PATH
from novaflow.errors import MachineError, RunError, UsageError


class BootState(StrEnum):
    """Whether a stack starts at boot."""

    OFF = "off"
    DISABLED = "disabled"  # the unit or script exists, but the init system does not start it
    OUTDATED = "outdated"  # it is not what this version of novaflow writes
    ON = "on"


@dataclass(frozen=True, slots=True)
class BootEntry(ABC):
    """What an init system has to start the stack in the folder ``root``; it need not exist."""

    root: Path
    kind: ClassVar[str]

    @property
    def name(self) -> str:
        """Return the name, which contains that of the folder and is unique on the machine."""
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:8]
        return f"novaflow-{re.sub('[^A-Za-z0-9_]+', '-', self.root.name)}-{digest}"

    @property
    @abstractmethod
    def path(self) -> Path:
        """Return the file of the unit or script."""

    @property
    @abstractmethod
    def text(self) -> str:
        """Return the content that the file should have."""

    @property
    @abstractmethod
    def is_enabled(self) -> bool:
        """Return whether the init system starts it at boot."""

    @property
    @abstractmethod
    def start_command(self) -> str:
        """Return the command with which an operator starts it now."""

    @property
    def state(self) -> BootState:
        """Return the state on this machine."""
        if not self.path.exists():
            return BootState.OFF
        if not self.is_enabled:
            return BootState.DISABLED
        return BootState.ON if self.path.read_bytes() == os.fsencode(self.text) else BootState.OUTDATED

    async def install(self) -> None:
        """Write the file and enable it.

        Raises: UsageError, if the path has characters that the file cannot contain; MachineError, if this user may not write
        there; RunError, if the init system refuses.
        """
        if not str(self.root).isprintable():
            raise UsageError(f"{str(self.root)!r} cannot start at boot: its path has characters that are not printable")
        self._require_writable()
        await self._install()

    async def remove(self) -> None:
        """Disable it and delete the file.

        Raises: MachineError, if this user may not; RunError, if the init system refuses.
        """
        self._require_writable()
        await self._remove()

    async def find_running(self) -> str | None:
        """Return the state in which the init system runs the stack; ``None`` if it does not, or if it does not watch it."""
        return None

    async def cancel_restart(self) -> None:
        """Prevent that the init system starts the stack again after its supervisor has ended."""
        return

    @abstractmethod
    async def _install(self) -> None: ...

    @abstractmethod
    async def _remove(self) -> None: ...

    def _require_writable(self) -> None:
        if not os.access(self.path.parent, os.W_OK):
            raise MachineError(f"{self.path.parent} is not writable for this user; use sudo")


def novaflow_command() -> Sequence[str]:
    """Return the command that runs this installation of novaflow."""
    # -P: the current folder may contain another package of this name, of another user.
    # Not sys.executable, which has the name that novaflow was called with: the text would differ from call to call.
    return [f"{sys.prefix}/bin/python3", "-P", "-m", "novaflow.cli.main"]


async def run_program(*words: str, check: bool = True) -> str:
    """Run a program of the init system and return its standard output.

    Raises: RunError, with its message, if ``check`` is set and it fails.
    """
    program = shutil.which(words[0], path=SYSTEM_PATH)
    if program is None:
        raise MachineError(f"{words[0]} is not installed")
    ended = await anyio.run_process([program, *words[1:]], check=False)
    if check and ended.returncode:
        last_line = (ended.stderr.decode(errors="replace").strip().splitlines() or [""])[-1]
        raise RunError(f"{' '.join(words)} exited with {ended.returncode}: {last_line}")
    return ended.stdout.decode(errors="replace").strip()
