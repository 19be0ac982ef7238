"""The script in /etc/init.d that starts a stack at boot, where the init system is not systemd."""

import os
import shlex
import shutil
from pathlib import Path

from novaflow.adapters.init_system.boot_entry import BootEntry, novaflow_command, run_program
from novaflow.adapters.process import SYSTEM_PATH
from novaflow.adapters.storage import write_with_folder

# Source: Linux Standard Base 5.0, chapter 22; its exit codes of `status`: 0 running, 1 dead, 3 stopped.
_SCRIPT = """\
#!/bin/sh
# Written by `novaflow boot on`; `novaflow boot off` removes it.
### BEGIN INIT INFO
# Provides:          {name}
# Required-Start:    $remote_fs $syslog $network
# Required-Stop:     $remote_fs $syslog $network
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: novaflow stack {root}
### END INIT INFO
PATH={path}
export PATH

novaflow() {{
    cd {folder} && {python} "$@" {quoted_root}
}}

if [ ! -d {quoted_root} ]; then
    # Not echo, which interprets backslashes.
    printf '%s: the folder of the stack does not exist; delete the script with: novaflow boot off %s\\n' "$0" {quoted_root} >&2
    exit 5
fi
case ${{1-}} in
start)
    novaflow up --timeout 600
    ;;
stop)
    novaflow clean
    ;;
restart | force-reload)
    novaflow clean && novaflow up --timeout 600
    ;;
status)
    novaflow status
    case $? in
    0 | 4) exit 0 ;;
    6) exit 3 ;;
    *) exit 1 ;;
    esac
    ;;
*)
    echo "usage: $0 start|stop|restart|force-reload|status" >&2
    exit 2
    ;;
esac
"""


class SysvScript(BootEntry):
    """A script in /etc/init.d, which starts the stack and does not watch it."""

    kind = "sysv script"

    @property
    def path(self) -> Path:
        """Return the file of the script."""
        return Path(f"/etc/init.d/{self.name}")

    @property
    def text(self) -> str:
        """Return the script for this stack and this installation of novaflow."""
        return _SCRIPT.format(
            name=self.name,
            root=self.root,
            quoted_root=shlex.quote(str(self.root)),
            folder=shlex.quote(str(self.root.parent)),
            python=shlex.join(novaflow_command()),
            path=SYSTEM_PATH,
        )

    @property
    def is_enabled(self) -> bool:
        """Return whether a runlevel has a link that starts the script."""
        return any(self.path.parents[1].glob(f"rc[2-5].d/S[0-9][0-9]{self.name}"))

    @property
    def start_command(self) -> str:
        """Return the command that runs the script as the init system does."""
        return f"service {self.name} start"

    async def _install(self) -> None:
        await write_with_folder(self.path, os.fsencode(self.text), 0o755, fsync=True)
        await run_program("update-rc.d", self.name, "defaults")
        await run_program("update-rc.d", self.name, "enable")  # `defaults` keeps the links of a script that was disabled

    async def _remove(self) -> None:
        self.path.unlink(missing_ok=True)
        await run_program("update-rc.d", self.name, "remove")


def is_sysv() -> bool:
    """Return whether this machine runs the scripts in /etc/init.d."""
    return Path("/etc/init.d").is_dir() and shutil.which("update-rc.d", path=SYSTEM_PATH) is not None
