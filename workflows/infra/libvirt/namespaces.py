"""The private mount and PID namespaces of the stack's libvirt."""

from pathlib import Path

from novaflow.model.paths import Paths
from workflows.platform.detect import find_distribution

# $0 is the PID file, "$@" the program and its arguments.
_CREATE = 'echo $$ >"$0" && exec unshare --mount --propagation private --pid --fork --kill-child=KILL --mount-proc "$@"'
_ENTER = 'ns=/proc/$(cat "$0")/ns && exec nsenter --mount="$ns/mnt" --pid="$ns/pid_for_children" "$@"'
_SCRIPT = Path(__file__).with_name("libvirt-namespace.sh")


def _pid_file(paths: Paths) -> Path:
    """Return the file with the PID, in the namespace of this machine, of the process that created the namespaces."""
    return paths.run / "libvirt" / "namespaces.pid"


def run_libvirtd(paths: Paths) -> tuple[str | Path, ...]:
    """Return the command that runs libvirtd in new namespaces.

    Servers are processes in the PID namespace: the kernel kills them when its first process exits.
    """
    libvirtd = find_distribution().path("libvirtd")
    return ("/bin/sh", "-c", _CREATE, _pid_file(paths), "/bin/sh", _SCRIPT, paths.root, libvirtd)


def enter_namespaces(paths: Paths) -> tuple[str, ...]:
    """Return the arguments to put before those of a program, so that it runs in the namespaces of libvirt and shares its mounts."""
    return ("/bin/sh", "-c", _ENTER, str(_pid_file(paths)))
