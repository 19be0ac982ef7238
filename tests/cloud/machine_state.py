"""The state of the machine, read without novaflow."""

# ruff: noqa: S603, TID251 - tests start known programs; the environment variable CI is read

import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

READ_STATE = r"""
sed -n 's/^ *\([^ :]*\):.*/link \1/p' /proc/net/dev
for kind in tcp tcp6; do awk -v k=$kind '$4 == "0A" { print "port", k, $2 }' /proc/net/$kind; done
for kind in udp udp6; do awk -v k=$kind '$4 == "07" { print "port", k, $2 }' /proc/net/$kind; done
ls /run/netns 2>/dev/null | sed 's/^/namespace /'
for command in iptables ip6tables; do
    $command-save 2>/dev/null | sed -n "s/^-A/$command &/p; s/^:\([^ ]*\) - .*/$command chain \1/p"
done
ipset list -name 2>/dev/null | sed 's/^/set /'
# iproute2 mounts this folder with the first network namespace and never unmounts it.
awk '$5 !~ "^/run/netns$" { print "mount", $5 }' /proc/self/mountinfo
"""
EPHEMERAL = 32768  # the first ephemeral port; resolvers use them
TIMEOUT_S = 30


def read_state(enter: Sequence[str | Path] = ()) -> set[str]:
    """Return links, ports, namespaces, rules, ipsets and mounts of a machine; ``enter`` is a command that enters it."""
    output = subprocess.run([*enter, "sh", "-c", READ_STATE], capture_output=True, check=True, text=True, timeout=TIMEOUT_S)
    return {line for line in output.stdout.splitlines() if not _is_ephemeral(line)}


def _is_ephemeral(line: str) -> bool:
    kind, protocol, *address = line.split()
    return kind == "port" and protocol.startswith("udp") and int(address[0].rpartition(":")[2], 16) >= EPHEMERAL


def processes_of(folder: Path) -> dict[int, str]:
    """Return the command lines of the processes that use a folder, by pid: in arguments, environment, files or libraries."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        pid = int(process.name)
        if pid != os.getpid() and _uses(process, os.fsencode(folder)):
            found[pid] = read_command_line(pid)
    return found


def _uses(process: Path, folder: bytes) -> bool:
    if b"pytest" in _read(process / "cmdline"):
        return False
    if any(folder in _read(process / name) for name in ("cmdline", "environ", "maps")):
        return True
    with suppress(OSError):
        return any(_link(link).startswith(folder) for link in (process / "cwd", process / "exe", *(process / "fd").iterdir()))
    return False


def _read(path: Path) -> bytes:
    with suppress(OSError):
        return path.read_bytes()
    return b""


def _link(path: Path) -> bytes:
    with suppress(OSError):
        return os.fsencode(path.readlink())
    return b""


def read_command_line(pid: int) -> str:
    """Return the command line of a process."""
    return _read(Path(f"/proc/{pid}/cmdline")).replace(b"\0", b" ").decode(errors="replace").strip()


def require_cloud_machine() -> None:
    """Skip the test on a machine that cannot run a cloud; fail it in CI."""
    if reason := _find_obstacle():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}, and CI must not skip")
        pytest.skip(reason)


def _find_obstacle() -> str | None:
    if os.geteuid() != 0:
        return "a cloud needs root"
    if not Path("/usr/bin/apt-get").exists():
        return "a cloud needs Debian or Ubuntu"
    # A fresh machine runs the same command first.
    command = ("apt-get", "-qq", "-o", "Acquire::Retries=1", "-o", "APT::Update::Error-Mode=any", "-o", "DPkg::Lock::Timeout=300", "update")
    update = subprocess.run(command, capture_output=True, check=False, text=True, timeout=300)
    return f"the package repositories are unreachable: {update.stderr.strip()[-300:]}" if update.returncode else None
