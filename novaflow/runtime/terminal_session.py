"""A session of tmux or GNU screen with a window for each service's log, and a shell with the stack's credentials."""

import shlex
from collections.abc import Sequence
from typing import NoReturn

from novaflow.adapters.process import ProcessOwner
from novaflow.adapters.terminal import Multiplexer, find_multiplexer
from novaflow.errors import UsageError
from novaflow.runtime.stack import Stack
from novaflow.runtime.status import query_supervisor
from novaflow.settings import CoreSettings

SHELL = "test"  # the name of the shell's window, as nova.sh had it
LAST_LINES = "1000"  # of a log, when its window opens


class TerminalSession:
    """The session of one stack; its name is SCREEN_NAME.

    Raises: MachineError, if neither tmux nor GNU screen is installed.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._settings = stack.settings.of(CoreSettings)
        self._multiplexer: Multiplexer = find_multiplexer()

    async def open(self) -> bool:
        """Create the session unless it exists, and return whether it was created.

        Raises: UsageError, if the stack is not up; MachineError, with the message of tmux or screen.
        """
        status = await query_supervisor(self._stack)
        if status is None:
            raise UsageError(f"{self._stack.name} is not up; bring it up with `novaflow up`")
        if await self._multiplexer.has(self._settings.screen_name):
            return False
        windows = {SHELL: self._shell()} | {service["name"]: self._tail(service["name"]) for service in status["services"]}
        await self._multiplexer.open(self._settings.screen_name, windows, has_status_line=self._settings.screen_status)
        return True

    def attach(self, window: str | None) -> NoReturn:
        """Replace this process by the program that shows the session, at ``window`` or at the current one."""
        self._multiplexer.attach(self._settings.screen_name, window)

    def _tail(self, service: str) -> Sequence[str]:
        return self._marked("tail", "-n", LAST_LINES, "-F", str(self._stack.paths.log / f"{service}.log"))

    def _shell(self) -> Sequence[str]:
        """Return the command of a shell that has the stack's clients and credentials; arguments hold no password."""
        openrc, programs = (shlex.quote(str(path)) for path in (self._stack.paths.credentials / "openrc", self._stack.paths.venv / "bin"))
        script = f'[ ! -e {openrc} ] || . {openrc}; PATH={programs}:$PATH exec "${{SHELL:-/bin/sh}}"'
        return self._marked("sh", "-c", script)

    def _marked(self, *argv: str) -> Sequence[str]:
        """Return the command with the mark of the stack's processes: `clean` ends it and, with its last window, the session."""
        marker = ProcessOwner(self._stack.paths, "attach").marker
        return ("env", *(f"{name}={value}" for name, value in marker.items()), *argv)
