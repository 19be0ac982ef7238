"""A whole machine: Debian with its kernel, systemd and sshd, which QEMU runs from a disk, with KVM where that works."""

# ruff: noqa: S603, S607, TID251 - tests start known programs

import shlex
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cloud.clients import wait_for
from tests.cloud.fresh import HOME, environment, make_debian, running
from tests.cloud.machine_state import READ_STATE
from workflows.platform.kernel import find_kvm_error

PACKAGES = ("linux-image-cloud-amd64", "systemd-sysv", "udev", "dbus", "ifupdown", "isc-dhcp-client", "iproute2", "openssh-server", "kmod")
FILES = {
    "etc/fstab": "/dev/vda / ext4 defaults 0 1\n",
    "etc/hostname": "whole\n",
    "etc/hosts": "127.0.0.1 localhost\n127.0.1.1 whole\n",
    "etc/network/interfaces": "auto lo eth0\niface lo inet loopback\niface eth0 inet dhcp\n",
    "etc/resolv.conf": "nameserver 10.0.2.3\n",  # QEMU answers there
}
KERNEL_WORDS = "root=/dev/vda rw console=ttyS0 net.ifnames=0"
DISK, MEMORY = "24G", "8G"
START_WITHIN_S = 600  # emulated; with KVM it is seconds
SSH_OPTIONS = ("BatchMode=yes", "ConnectTimeout=10", "LogLevel=ERROR", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null")


class WholeMachine:
    """A running machine; ``key`` opens its SSH server on this port of the host's loopback address."""

    def __init__(self, key: Path, port: int) -> None:
        options = [word for option in SSH_OPTIONS for word in ("-o", option)]
        self._ssh = ["ssh", *options, "-i", str(key), "-p", str(port), "root@127.0.0.1"]

    def run(self, command: str, *, within_s: float, good: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a shell command in the folder of the repository; it must succeed, unless ``good`` is false."""
        exports = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment().items())
        argv = [*self._ssh, f"export {exports}; cd /{HOME} && {command}"]
        completed = subprocess.run(argv, capture_output=True, check=False, stdin=subprocess.DEVNULL, text=True, timeout=within_s)
        transcript = f"whole# {command}\n{completed.stdout}{completed.stderr}(exit code {completed.returncode})"
        print(transcript, flush=True)  # noqa: T201 - pytest shows it when a test fails
        assert not good or completed.returncode == 0, transcript[-4000:]
        return completed

    def state(self) -> set[str]:
        """Return links, ports, namespaces, rules, ipsets and mounts."""
        return {*self.run(f"sh -c {shlex.quote(READ_STATE)}", within_s=60).stdout.splitlines()}

    def boot_id(self) -> str | None:
        """Return the id of the machine's boot; ``None`` if its SSH server does not answer."""
        shown = subprocess.run([*self._ssh, "cat /proc/sys/kernel/random/boot_id"], capture_output=True, check=False, text=True, timeout=60)
        return shown.stdout.strip() or None

    def reboot(self) -> None:
        """Restart the machine, and return when it runs again."""
        before = self.boot_id()
        self.run("systemctl reboot", within_s=60, good=False)  # the connection may be closed first
        wait_for("another boot", lambda: self.boot_id() not in {None, before}, START_WITHIN_S)


@contextmanager
def whole_machine(release: str) -> Iterator[WholeMachine]:
    """Return a machine with a release of Debian and the repository; it ends with the block."""
    folder = Path(tempfile.mkdtemp(prefix="nf-whole-"))
    try:
        make_disk(folder, release)
        port = find_free_port()
        with running(qemu(folder, port)) as process:
            machine = WholeMachine(folder / "key", port)
            wait_for("its SSH server", lambda: process.poll() is None and machine.boot_id(), START_WITHIN_S)
            yield machine
    finally:
        shutil.rmtree(folder)


def make_disk(folder: Path, release: str) -> None:
    """Write the machine's disk, kernel, initial RAM file system and a key for its SSH server into the folder."""
    root = folder / "root"
    root.mkdir()
    make_debian(root, release, *PACKAGES)
    for name, content in FILES.items():
        (root / name).write_text(content)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True, timeout=60)
    (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    shutil.copy(folder / "key.pub", root / "root/.ssh/authorized_keys")
    for name in ("vmlinuz", "initrd.img"):
        (found,) = (root / "boot").glob(f"{name}-*")
        shutil.copy(found, folder / name)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", root, folder / "disk.img", DISK], check=True, timeout=300)
    shutil.rmtree(root)


def qemu(folder: Path, port: int) -> list[str]:
    """Return the command that runs the machine; its console is in a file."""
    accelerated = find_kvm_error() is None
    return [
        "qemu-system-x86_64",
        *(("-accel", "kvm", "-cpu", "host") if accelerated else ("-accel", "tcg,thread=multi", "-cpu", "max")),
        *("-smp", "2", "-m", MEMORY, "-display", "none", "-serial", f"file:{folder}/console.log", "-monitor", "none"),
        *("-kernel", f"{folder}/vmlinuz", "-initrd", f"{folder}/initrd.img", "-append", KERNEL_WORDS),
        *("-drive", f"file={folder}/disk.img,format=raw,if=virtio,cache=unsafe"),
        *("-netdev", f"user,id=net0,ipv6=off,hostfwd=tcp:127.0.0.1:{port}-:22", "-device", "virtio-net-pci,netdev=net0"),
        *("-device", "virtio-rng-pci"),
    ]


def find_free_port() -> int:
    """Return a port of the loopback address on which no program listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
