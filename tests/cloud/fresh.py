"""A machine with a minimal Debian: a root file system of debootstrap in separate namespaces."""

# ruff: noqa: S603, S607, TID251 - tests start known programs and pass parts of the environment on

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from tests.cloud.machine_state import READ_STATE

REPOSITORY = Path(__file__).parents[2]
HOME = Path("root/novaflow")  # below a home folder of mode 0700, the usual one
PASSED_ON = re.compile(r"(PIP_|UV_)\w+|(https?|all|no|ftp)_proxy|SSL_CERT_(FILE|DIR)|\w+_CA_BUNDLE", re.IGNORECASE)
PIP_CONFIGS = ("etc/pip.conf", "root/.config/pip/pip.conf", "root/.pip/pip.conf", "etc/uv/uv.toml", "root/.config/uv/uv.toml")
APT_CONFIGS = re.compile(r'^Acquire::(http|https|Check-\w+|ForceIPv\d|Retries)\b.* ".+";$', re.MULTILINE)
DEBOOTSTRAP_S = 1800  # of another architecture; of this one it takes half a minute
INIT = r"""
set -e
mount --make-rprivate /
mount --bind "$0" "$0"
cd "$0"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 dev dev
mkdir dev/net dev/pts dev/shm
for node in null zero full random urandom tty net/tun kvm; do ! [ -e /dev/$node ] || cp -a /dev/$node dev/$node; done
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs shm dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 run run
mkdir run/lock
hostname fresh
pivot_root . mnt
umount -l /mnt
echo ready
exec perl -e '$SIG{CHLD} = "IGNORE"; sleep while 1' # reaps orphaned processes
"""
PROCESSES = r"""
for process in /proc/[0-9]*; do
    case $process in /proc/1 | /proc/$$) continue ;; esac
    words=$(tr '\0' ' ' <$process/cmdline 2>/dev/null) || continue
    echo "$words ($(sed -n 's/^State:.//p; s/^Name:.//p' $process/status | tr '\n' ' '))"
done
true
"""
LOOPBACK = "ip link set lo up"


class FreshMachine:
    """A running machine; ``pid`` is the id of its first process on the host, ``root`` its file tree."""

    def __init__(self, pid: int, root: Path) -> None:
        self.root = root
        self._enter = ("nsenter", f"--target={pid}", "--mount", "--pid", "--uts", "--ipc", "--net", "--root", f"--wdns=/{HOME}")
        self._environ = {
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            **{name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)},
        }

    def run(self, *command: str, within_s: float, good: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder of the repository; it must succeed, unless ``good`` is false."""
        argv = [*self._enter, *command]
        completed = subprocess.run(
            argv, env=self._environ, capture_output=True, check=False, stdin=subprocess.DEVNULL, text=True, timeout=within_s
        )
        transcript = f"fresh# {' '.join(command)}\n{completed.stdout}{completed.stderr}(exit code {completed.returncode})"
        print(transcript)  # noqa: T201 - pytest shows it when a test fails
        assert not good or completed.returncode == 0, transcript[-4000:]
        return completed

    def processes(self) -> set[str]:
        """Return the command lines of all processes except the first one."""
        return {*self.run("sh", "-c", PROCESSES, within_s=30).stdout.splitlines()}

    def state(self) -> set[str]:
        """Return links, ports, namespaces, rules, ipsets and mounts."""
        return {*self.run("sh", "-c", READ_STATE, within_s=30).stdout.splitlines()}


@contextmanager
def fresh_machine(release: str, *, bundle: Path | None = None, architecture: str | None = None) -> Iterator[FreshMachine]:
    """Return a machine with a release of Debian and the repository; the machine and its processes end with the block.

    With a ``bundle``, the file is in the folder of the repository, and the machine has no network. ``architecture`` is Debian's
    name of another kind of processors than the host's, whose programs the host can run.
    """
    root = Path(tempfile.mkdtemp(prefix="nf-fresh-"))
    root.chmod(0o755)  # all users of the machine need access to their root folder
    try:
        make_debian(root, release, architecture=architecture)
        if bundle:
            shutil.copy(bundle, root / HOME)
        with ExitStack() as programs:
            can_connect = Path("/dev/net/tun").exists() and shutil.which("slirp4netns") is not None
            pid = programs.enter_context(start(root, own_network=can_connect or bundle is not None))
            if can_connect and bundle is None:
                programs.enter_context(connect(root, pid))
            yield FreshMachine(pid, root)
    finally:
        shutil.rmtree(root)


def make_debian(root: Path, release: str, *, architecture: str | None = None) -> None:
    """Install a minimal Debian from the servers of this machine's package sources, and copy the repository into it."""
    sources = read_sources(release)
    mirror = sources[0].split()[1]
    foreign = (f"--arch={architecture}",) if architecture else ()
    command = ("debootstrap", "--variant=minbase", *foreign, release, root, mirror)
    completed = subprocess.run(command, capture_output=True, check=False, text=True, timeout=DEBOOTSTRAP_S)
    assert completed.returncode == 0, completed.stdout[-2000:] + completed.stderr[-2000:]
    (root / "etc/apt/sources.list").write_text("\n".join(sources) + "\n")
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, check=True, text=True, timeout=30).stdout
    (root / "etc/apt/apt.conf.d/90host").write_text("\n".join(match[0] for match in APT_CONFIGS.finditer(dump)) + "\n")
    (root / "root").chmod(0o700)
    for name in (*PIP_CONFIGS, "etc/apt/auth.conf", "etc/apt/auth.conf.d", "usr/local/share/ca-certificates"):
        copy_in(Path("/", name), root)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "PIP_CONFIG_FILE"):
        # The files of the package ca-certificates are created when it is installed.
        if (value := os.environ.get(name)) and not value.startswith("/etc/ssl/certs/"):
            copy_in(Path(value), root)
    ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".coverage*", ".env")

    def ignore(folder: str, names: list[str]) -> set[str]:
        # A stack in the checkout; a package of the workflows has the same name.
        return ignored(folder, names) | ({"nova"} & {*names} if Path(folder) == REPOSITORY else set())

    shutil.copytree(REPOSITORY, root / HOME, ignore=ignore)


def copy_in(path: Path, root: Path) -> None:
    """Copy a file or a folder to the same path below ``root``, if it exists."""
    target = root / path.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, target, dirs_exist_ok=True)
    elif path.exists():
        shutil.copy(path, target)


def read_sources(release: str) -> list[str]:
    """Return apt's sources as lines of a sources.list, for this release; the release itself comes first, then its updates."""
    line_format = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    origin = "Debian" if Path("/etc/debian_version").exists() and "ID=debian" in Path("/etc/os-release").read_text() else "Ubuntu"
    command = ("apt-get", "indextargets", "--format", line_format, "Created-By: Packages", f"Origin: {origin}", "Component: main")
    lines = subprocess.run(command, capture_output=True, check=True, text=True, timeout=30).stdout.splitlines()
    assert lines, "apt has no sources of this distribution"
    ordered = sorted(dict.fromkeys(lines), key=lambda line: "-" in line.split()[1])
    own = ordered[0].split()[1]
    return [f"deb {line.replace(f' {own}', f' {release}')}" for line in ordered]


@contextmanager
def start(root: Path, *, own_network: bool) -> Iterator[int]:
    """Start the machine and return the id of its first process; its processes end with the block."""
    network, first = (("--net",), LOOPBACK) if own_network else ((), ":")
    resolver = "nameserver 10.0.2.3\n" if own_network else Path("/etc/resolv.conf").read_text()  # slirp4netns answers there
    (root / "etc/resolv.conf").write_text(resolver)
    command = (
        "unshare",
        "--mount",
        "--pid",
        "--uts",
        "--ipc",
        *network,
        "--fork",
        "--kill-child",
        "sh",
        "-c",
        f"{first}\n{INIT}",
        str(root),
    )
    with running(command) as unshare:
        assert unshare.stdout is not None
        assert unshare.stdout.readline() == "ready\n", "the machine did not start"
        yield psutil.Process(unshare.pid).children()[0].pid


@contextmanager
def connect(root: Path, pid: int) -> Iterator[None]:
    """Connect the machine to the networks of the host, without changing the host."""
    ready, signal_ready = os.pipe()
    with (root / "slirp.log").open("wb") as output, os.fdopen(ready) as ready_file:
        command = ("slirp4netns", "--configure", "--mtu=65520", "--disable-host-loopback", f"--ready-fd={signal_ready}", str(pid), "tap0")
        with running(command, output=output.fileno(), keep=(signal_ready,)):
            os.close(signal_ready)
            assert ready_file.read(1) == "1", (root / "slirp.log").read_text()
            yield


@contextmanager
def running(command: Sequence[str], *, output: int = subprocess.PIPE, keep: Sequence[int] = ()) -> Iterator[subprocess.Popen[str]]:
    """Run a program until the end of the block."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, pass_fds=keep, text=True) as process:
        try:
            yield process
        finally:
            process.kill()
