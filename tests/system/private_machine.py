"""A machine whose init system is its own: this one with other folders mounted over those of the init system."""

import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL

import anyio
import psutil
import pytest

from novaflow.adapters.process import Cgroup, find_base
from tests.support.programs import is_running
from tests.system.toy import Result, Toy

WITHIN_S = 30
UNSHARE = ("unshare", "--mount", "--propagation", "private", "sh", "-eu", "-c")
RUNLEVELS = ("rc0.d", "rc1.d", "rc2.d", "rc3.d", "rc4.d", "rc5.d", "rc6.d", "rcS.d")

# $1: the folder that holds the machine's own; $2: nosysv hides update-rc.d; the rest: a command.
ENTER = """
for each in init.d rc0.d rc1.d rc2.d rc3.d rc4.d rc5.d rc6.d rcS.d systemd/system; do mount --bind "$0/$each" "/etc/$each"; done
[ ! -d /run/systemd ] || mount -t tmpfs none /run/systemd
exec "$@"
"""
HIDE_SYSV = 'mount --bind /dev/null /usr/sbin/update-rc.d; exec "$@"'

# Starts systemd with no units but the machine's own. Nothing of this machine may change: its kernel's settings are not writable.
BOOT = """
mkdir -p "$1" && echo $$ >"$1/cgroup.procs"
exec unshare --mount --propagation private --pid --fork --kill-child --uts --ipc --cgroup --mount-proc sh -eu -c '
mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys
for each in /run /var/log /usr/lib/systemd/system-generators /usr/lib/systemd/system-environment-generators; do
    [ ! -d "$each" ] || mount -t tmpfs none "$each"
done
mount --bind "$0/targets" /usr/lib/systemd/system
mount --bind "$0/systemd/system" /etc/systemd/system
mount -t cgroup2 none /sys/fs/cgroup
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --show-status=no --log-target=console
' "$0"
"""
TARGETS = ("sysinit", "basic", "multi-user", "network-online", "shutdown")


class PrivateMachine:
    """The folders of an init system, and the stack that it starts."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder / "machine"
        for each in ("init.d", *RUNLEVELS, "systemd/system", "targets"):
            (self.folder / each).mkdir(parents=True)
        for name in TARGETS:
            (self.folder / "targets" / f"{name}.target").write_text("[Unit]\nDefaultDependencies=no\n")
        (self.folder / "targets/default.target").symlink_to("multi-user.target")
        self.toy = BootedToy(folder, port, (*UNSHARE, ENTER, str(self.folder)))

    @property
    def files(self) -> Mapping[str, str]:
        """Return the files and links of the init system: their paths, and their content or target."""
        paths = [path for part in ("init.d", *RUNLEVELS, "systemd") for path in (self.folder / part).rglob("*") if not path.is_dir()]
        return {
            str(path.relative_to(self.folder)): str(path.readlink()) if path.is_symlink() else path.read_text() for path in sorted(paths)
        }

    async def run(self, *argv: str) -> Result:
        """Run a program on the machine, with the environment that an init system gives."""
        with anyio.fail_after(WITHIN_S):
            ended = await anyio.run_process([*self.toy.prefix, *argv], check=False, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        return Result(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    def hide_sysv(self) -> None:
        """Hide the program that registers scripts."""
        self.toy.prefix = (*self.toy.prefix, "sh", "-eu", "-c", HIDE_SYSV, "sh")

    @asynccontextmanager
    async def booted(self) -> AsyncIterator[None]:
        """Run systemd for the duration of the block, or until the power is cut; commands run on that machine."""
        base = find_base()
        assert base is not None
        cgroup = base / f"novaflow-test-{os.getpid()}"
        argv = ["sh", "-eu", "-c", BOOT, str(self.folder), str(cgroup)]
        outside = self.toy.prefix
        async with (
            _removing(cgroup),
            await anyio.open_process(argv, stdin=DEVNULL, stdout=None, stderr=None, start_new_session=True) as unshare,
        ):
            try:
                self._systemd = await _wait_for_child(unshare.pid)
                namespaces = ("--mount", "--pid", "--uts", "--ipc", "--cgroup", f"--wd={self.toy.folder}")
                self.toy.prefix = ("nsenter", "--target", str(self._systemd.pid), *namespaces, "--")
                await self._wait_booted()
                yield
            finally:
                self.toy.prefix = outside
                await self.cut_power()

    async def cut_power(self) -> None:
        """End all processes of the machine at once."""
        with suppress(psutil.NoSuchProcess):
            self._systemd.kill()  # the kernel kills all processes of its namespace. Source: pid_namespaces(7)
        with anyio.fail_after(WITHIN_S):
            while is_running(self._systemd.pid):  # noqa: ASYNC110 - the kernel sets no event of ours
                await anyio.sleep(0.01)

    async def _wait_booted(self) -> None:
        with anyio.fail_after(WITHIN_S):
            while (await self.run("systemctl", "show", "--value", "--property=Version")).code:  # noqa: ASYNC110
                await anyio.sleep(0.02)


class BootedToy(Toy):
    """A stack whose settings are in files, as a start at boot needs it."""

    def __init__(self, folder: Path, port: int, prefix: tuple[str, ...]) -> None:
        super().__init__(folder, port, prefix)
        self.root.mkdir()
        (self.root / ".env").write_text(f'NOVAFLOW_WORKFLOWS="{self.workflows}"\n')

    @property
    def env(self) -> Mapping[str, str]:
        """Return the environment of commands, without settings."""
        return {name: value for name, value in super().env.items() if name != "NOVAFLOW_WORKFLOWS"}


def require(missing: list[str]) -> None:
    """Skip the test if anything is missing; in CI it then fails."""
    if missing and os.environ.get("CI") != "true":  # noqa: TID251 - not a setting
        pytest.skip(f"needs {', '.join(missing)}")


def missing_programs() -> list[str]:
    """Return what this machine lacks for tests with an init system of their own."""
    lacks = [] if os.geteuid() == 0 else ["root"]
    return lacks + [name for name in ("unshare", "nsenter", "update-rc.d") if shutil.which(name, path=os.defpath + ":/usr/sbin") is None]


def missing_for_systemd() -> list[str]:
    """Return what this machine lacks to boot systemd in namespaces."""
    lacks = [] if Path("/lib/systemd/systemd").exists() else ["systemd"]
    return [*missing_programs(), *lacks, *([] if find_base() else ["control groups of version 2"])]


async def _wait_for_child(pid: int) -> psutil.Process:
    with anyio.fail_after(WITHIN_S):
        while True:
            with suppress(psutil.NoSuchProcess):
                for child in psutil.Process(pid).children():
                    if child.name() == "systemd":
                        return child
            await anyio.sleep(0.01)


@asynccontextmanager
async def _removing(cgroup: Path) -> AsyncIterator[None]:
    """Remove the group after the block, when its processes have ended."""
    try:
        yield
    finally:
        group = Cgroup(cgroup)
        with anyio.fail_after(WITHIN_S, shield=True):
            while cgroup.exists():
                group.remove()
                await anyio.sleep(0.01)
