"""What a machine shows of a stack, looked at without novaflow."""

# ruff: noqa: S603, TID251 - the programs tests start are their own, and the environment is what CI says

import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

LOOK = r"""
sed -n 's/^ *\([^ :]*\):.*/link \1/p' /proc/net/dev
for kind in tcp tcp6; do awk -v k=$kind '$4 == "0A" { print "port", k, $2 }' /proc/net/$kind; done
for kind in udp udp6; do awk -v k=$kind '$4 == "07" { print "port", k, $2 }' /proc/net/$kind; done
ls /run/netns 2>/dev/null | sed 's/^/namespace /'
for command in iptables ip6tables; do
    $command-save 2>/dev/null | sed -n "s/^-A/$command &/p; s/^:\([^ ]*\) - .*/$command chain \1/p"
done
ipset list -name 2>/dev/null | sed 's/^/set /'
# Of all network namespaces of a machine, whoever made the first; iproute2 leaves it.
awk '$5 !~ "^/run/netns$" { print "mount", $5 }' /proc/self/mountinfo
"""
EPHEMERAL = 32768  # from here on ports are lent to whoever asks a name server
PATIENCE_S = 30


def look(enter: Sequence[str | Path] = ()) -> set[str]:
    """Return what stands in a machine: links, ports, namespaces, rules, sets, mounts; ``enter`` leads into it."""
    seen = subprocess.run([*enter, "sh", "-c", LOOK], capture_output=True, check=True, text=True, timeout=PATIENCE_S)
    return {line for line in seen.stdout.splitlines() if not _is_lent(line)}


def _is_lent(line: str) -> bool:
    words = line.split()
    return words[0] == "port" and words[1].startswith("udp") and int(words[2].rpartition(":")[2], 16) >= EPHEMERAL


def processes_of(folder: Path) -> dict[int, str]:
    """Return the processes that have anything to do with a folder, by their id: words, environment, files, libraries."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        pid = int(process.name)
        if pid != os.getpid() and _has_to_do_with(process, os.fsencode(folder)):
            found[pid] = read_words(pid)
    return found


def _has_to_do_with(process: Path, folder: bytes) -> bool:
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


def read_words(pid: int) -> str:
    """Return the command line of a process."""
    return _read(Path(f"/proc/{pid}/cmdline")).replace(b"\0", b" ").decode(errors="replace").strip()


def require_cloud_machine() -> None:
    """Skip the test where a cloud cannot be brought up; fail it in CI."""
    if why := _unfit():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{why}, and CI must not skip")
        pytest.skip(why)


def _unfit() -> str | None:
    if os.geteuid() != 0:
        return "a cloud needs root"
    if not Path("/usr/bin/apt-get").exists():
        return "a cloud needs Debian or Ubuntu"
    # Also what a fresh machine asks first.
    words = ("apt-get", "-qq", "-o", "Acquire::Retries=1", "-o", "APT::Update::Error-Mode=any", "-o", "DPkg::Lock::Timeout=300", "update")
    arguments = subprocess.run(words, capture_output=True, check=False, text=True, timeout=300)
    return f"Debian's packages are out of reach: {arguments.stderr.strip()[-300:]}" if arguments.returncode else None
