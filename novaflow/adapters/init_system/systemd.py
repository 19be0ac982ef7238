"""The unit of systemd that starts a stack at boot and watches its supervisor."""

import os
import sys
from pathlib import Path

from novaflow.adapters.init_system.boot_entry import BootEntry, novaflow_command, run_program
from novaflow.adapters.storage import write_with_folder

_BOOTED = Path("/run/systemd/system")  # exists where systemd is the init system. Source: sd_booted(3)
_STOPPED = {"inactive", "failed", "unknown"}  # states of a unit. Source: systemctl(1), is-active

# Source: systemd.unit(5), systemd.service(5), systemd.exec(5), systemd.kill(5), systemd.resource-control(5).
# There is no ExecStop: SIGTERM makes the supervisor stop the stack as `clean` does, and `clean` by hand ends the unit as well.
_UNIT = """\
# Written by `novaflow boot on`; `novaflow boot off` removes it.
[Unit]
Description=novaflow stack {root}
Wants=network-online.target
After=network-online.target
RequiresMountsFor={mounts}
ConditionPathIsDirectory={root}
StartLimitIntervalSec=1h
StartLimitBurst=20

[Service]
Type=notify
WorkingDirectory={folder}
ExecStart=:{command}
# A supervisor that exits or hangs is replaced; the new one adopts the services, which are not stopped.
KillMode=process
Restart=on-failure
RestartSec=2
# The settings or the workflows are invalid, or another supervisor runs the stack.
RestartPreventExitStatus=2
WatchdogSec=60
TimeoutStartSec=30min
TimeoutStopSec=10min
# The supervisor has a control group for each service.
Delegate=yes
OOMPolicy=continue
TasksMax=infinity

[Install]
WantedBy=multi-user.target
"""


class SystemdUnit(BootEntry):
    """A unit of systemd, which also watches the supervisor."""

    kind = "systemd unit"

    @property
    def path(self) -> Path:
        """Return the file of the unit."""
        return Path(f"/etc/systemd/system/{self.name}.service")

    @property
    def text(self) -> str:
        """Return the unit for this stack and this installation of novaflow."""
        return _UNIT.format(
            root=_escape(self.root),
            folder=_escape(self.root.parent),
            mounts=" ".join(map(_quote, [str(self.root), sys.prefix])),
            command=" ".join(map(_quote, [*novaflow_command(), "up", "--foreground", str(self.root)])),
        )

    @property
    def is_enabled(self) -> bool:
        """Return whether the target of a boot wants the unit."""
        return self._link.is_symlink()

    @property
    def start_command(self) -> str:
        """Return the command of systemd."""
        return f"systemctl start {self.name}"

    async def find_running(self) -> str | None:
        """Return the state of the unit unless it is stopped."""
        state = await self._systemctl("is-active", self.path.name, check=False) if is_systemd() else "unknown"
        return None if state in _STOPPED else state

    async def cancel_restart(self) -> None:
        """Stop the unit, which does nothing if it is stopped; a user without the right to do so has no unit."""
        if is_systemd():
            await self._systemctl("stop", self.path.name, check=False)

    async def _install(self) -> None:
        await write_with_folder(self.path, os.fsencode(self.text), 0o644, fsync=True)
        await self._systemctl("daemon-reload")
        await self._systemctl("enable", self.path.name)

    async def _remove(self) -> None:
        is_booted = is_systemd()
        if is_booted:
            await self._systemctl("disable", "--now", self.path.name)
        self._link.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)
        if is_booted:
            await self._systemctl("daemon-reload")
            await self._systemctl("reset-failed", self.path.name, check=False)  # fails unless the unit has failed

    @property
    def _link(self) -> Path:
        return self.path.parent / "multi-user.target.wants" / self.path.name

    async def _systemctl(self, *words: str, check: bool = True) -> str:
        return await run_program("systemctl", "--quiet" if check else "--no-ask-password", *words, check=check)


def is_systemd() -> bool:
    """Return whether systemd is the init system of this machine."""
    return _BOOTED.exists()


def _escape(path: Path) -> str:
    return str(path).replace("%", "%%")


def _quote(word: str) -> str:
    """Return a word as systemd reads it. Source: systemd.syntax(7), quoting; systemd.unit(5), specifiers."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"'
