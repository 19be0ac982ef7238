"""A machine that has nothing but Debian: a folder made by debootstrap, entered with namespaces of its own."""

# ruff: noqa: S603, S607, TID251 - the programs tests start are their own, and the environment is what is passed on

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from tests.cloud.looking import LOOK

REPOSITORY = Path(__file__).parents[2]
HOME = Path("root/novaflow")  # below a home of mode 0700, as everybody's is
PASSED_ON = re.compile(r"(PIP_|UV_)\w+|(https?|all|no|ftp)_proxy|SSL_CERT_(FILE|DIR)|\w+_CA_BUNDLE", re.IGNORECASE)
PIP_CONFIGS = ("etc/pip.conf", "root/.config/pip/pip.conf", "root/.pip/pip.conf", "etc/uv/uv.toml", "root/.config/uv/uv.toml")
APT_CONFIGS = re.compile(r'^Acquire::(http|https|Check-\w+|ForceIPv\d|Retries)\b.* ".+";$', re.MULTILINE)
DEBOOTSTRAP_S = 600
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
echo made
exec perl -e '$SIG{CHLD} = "IGNORE"; sleep while 1' # buries what is left to the first process
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
    """A minimal Debian that runs; its first process is ``pid`` out here."""

    def __init__(self, pid: int) -> None:
        self._enter = ("nsenter", f"--target={pid}", "--mount", "--pid", "--uts", "--ipc", "--net", "--root", f"--wdns=/{HOME}")
        self._environ = {
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            **{name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)},
        }

    def run(self, *words: str, within_s: float, good: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in it, in the repository's folder; it has to end well, unless ``good`` is false."""
        argv = [*self._enter, *words]
        done = subprocess.run(
            argv, env=self._environ, capture_output=True, check=False, stdin=subprocess.DEVNULL, text=True, timeout=within_s
        )
        said = f"fresh# {' '.join(words)}\n{done.stdout}{done.stderr}(exit code {done.returncode})"
        print(said)  # noqa: T201 - pytest shows it where a test fails
        assert not good or done.returncode == 0, said[-4000:]
        return done

    def processes(self) -> set[str]:
        """Return the names of all processes but the first one."""
        return {*self.run("sh", "-c", PROCESSES, within_s=30).stdout.splitlines()}

    def look(self) -> set[str]:
        """Return what stands in it: links, ports, namespaces, rules, sets, mounts."""
        return {*self.run("sh", "-c", LOOK, within_s=30).stdout.splitlines()}


@contextmanager
def fresh_machine() -> Iterator[FreshMachine]:
    """Lend a machine with the repository in it, and nothing else; it and all that runs in it go with the block."""
    room = Path(tempfile.mkdtemp(prefix="nf-fresh-"))
    room.chmod(0o755)  # it is to be the folder / of all its users
    try:
        make_debian(room)
        with ExitStack() as programs:
            has_own_network = Path("/dev/net/tun").exists() and shutil.which("slirp4netns") is not None
            pid = programs.enter_context(started(room, own_network=has_own_network))
            if has_own_network:
                programs.enter_context(way_out(room, pid))
            yield FreshMachine(pid)
    finally:
        shutil.rmtree(room)


def make_debian(root: Path) -> None:
    """Make a minimal Debian with this machine's way to its registries, and the repository in it."""
    sources = read_sources()
    mirror, suite = sources[0].split()[1:3]
    words = ("debootstrap", "--variant=minbase", suite, root, mirror)
    made = subprocess.run(words, capture_output=True, check=False, text=True, timeout=DEBOOTSTRAP_S)
    assert made.returncode == 0, made.stdout[-2000:] + made.stderr[-2000:]
    (root / "etc/apt/sources.list").write_text("\n".join(sources) + "\n")
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, check=True, text=True, timeout=30).stdout
    (root / "etc/apt/apt.conf.d/90host").write_text("\n".join(match[0] for match in APT_CONFIGS.finditer(dump)) + "\n")
    (root / "root").chmod(0o700)
    for name in (*PIP_CONFIGS, "etc/apt/auth.conf", "etc/apt/auth.conf.d", "usr/local/share/ca-certificates"):
        copy_in(Path("/", name), root)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "PIP_CONFIG_FILE"):
        # Not Debian's own: the package of that file makes it, from the folder above.
        if (value := os.environ.get(name)) and not value.startswith("/etc/ssl/certs/"):
            copy_in(Path(value), root)
    left_out = shutil.ignore_patterns(".git", ".venv", "nova", "__pycache__", ".*_cache", ".coverage*", ".env")
    shutil.copytree(REPOSITORY, root / HOME, ignore=left_out)


def copy_in(path: Path, root: Path) -> None:
    """Copy a file or a folder to the same place below ``root``, if it is there."""
    target = root / path.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, target, dirs_exist_ok=True)
    elif path.exists():
        shutil.copy(path, target)


def read_sources() -> list[str]:
    """Return apt's sources of the distribution itself, as lines of a sources.list; its first release comes first."""
    form = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    origin = "Debian" if Path("/etc/debian_version").exists() and "ID=debian" in Path("/etc/os-release").read_text() else "Ubuntu"
    words = ("apt-get", "indextargets", "--format", form, "Created-By: Packages", f"Origin: {origin}", "Component: main")
    known = subprocess.run(words, capture_output=True, check=True, text=True, timeout=30).stdout.splitlines()
    assert known, "apt has no sources of this distribution"
    return [f"deb {line}" for line in sorted(dict.fromkeys(known), key=lambda line: "-" in line.split()[1])]


@contextmanager
def started(root: Path, *, own_network: bool) -> Iterator[int]:
    """Start the machine in ``root``, and end all of it when the block does; lend the process id of its first process."""
    network, first = (("--net",), LOOPBACK) if own_network else ((), ":")
    resolver = "nameserver 10.0.2.3\n" if own_network else Path("/etc/resolv.conf").read_text()  # slirp4netns answers there
    (root / "etc/resolv.conf").write_text(resolver)
    words = ("unshare", "--mount", "--pid", "--uts", "--ipc", *network, "--fork", "--kill-child", "sh", "-c", f"{first}\n{INIT}", str(root))
    with running(words) as unshare:
        assert unshare.stdout is not None
        assert unshare.stdout.readline() == "made\n", "the machine was not made"
        yield psutil.Process(unshare.pid).children()[0].pid


@contextmanager
def way_out(root: Path, pid: int) -> Iterator[None]:
    """Give the machine a network card that reaches what this machine reaches; nothing here is changed for it."""
    ready, tell = os.pipe()
    with (root / "slirp.log").open("wb") as output, os.fdopen(ready) as told:
        words = ("slirp4netns", "--configure", "--mtu=65520", "--disable-host-loopback", f"--ready-fd={tell}", str(pid), "tap0")
        with running(words, output=output.fileno(), keep=(tell,)):
            os.close(tell)
            assert told.read(1) == "1", (root / "slirp.log").read_text()
            yield


@contextmanager
def running(words: Sequence[str], *, output: int = subprocess.PIPE, keep: Sequence[int] = ()) -> Iterator[subprocess.Popen[str]]:
    """Run a program as long as the block."""
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, pass_fds=keep, text=True) as process:
        try:
            yield process
        finally:
            process.kill()
