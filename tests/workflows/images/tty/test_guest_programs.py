"""The programs of the tty image that busybox does not have, run by busybox with the programs that the guest has."""

# ruff: noqa: S603, TID251 - tests start known programs

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import workflows.images.tty
from tests.support.rest import Request, RestServer

pytestmark = pytest.mark.skipif(shutil.which("busybox") is None, reason="needs busybox")

SCRIPTS = Path(workflows.images.tty.__file__).parent
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for namespaces")
# $1: a folder with the content of /sys/block, $2: one with that of /dev; the rest is the command.
IN_NAMESPACE = (
    'PATH=$PATH:/usr/bin:/bin && mount --make-rprivate / && mount --bind "$1" /sys/block && mount --bind "$2" /dev && shift 2 && exec "$@"'
)
LABEL = b"config-2"
SECTOR = 2048


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Return a folder with the programs of busybox."""
    folder = tmp_path / "bin"
    folder.mkdir()
    busybox = shutil.which("busybox")
    assert busybox
    subprocess.run([busybox, "--install", "-s", folder], check=True, timeout=20)
    return folder


def run(programs: Path, *argv: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program with the PATH of the guest."""
    return subprocess.run(argv, capture_output=True, check=False, text=True, timeout=20, env={"PATH": str(programs)})


@pytest.fixture
def machine(tmp_path: Path) -> tuple[Path, Path]:
    """Return the folders /sys/block and /dev of a guest with a disk of 1 GiB, a config drive, and a loop device."""
    block, dev = tmp_path / "block", tmp_path / "dev"
    dev.mkdir()
    for name, number, sectors in (("vda", "254:0", 2 << 20), ("sr0", "11:0", 900), ("loop0", "7:0", 0)):
        (block / name).mkdir(parents=True)
        for field, value in (("dev", number), ("size", str(sectors)), ("removable", "0"), ("ro", "0")):
            (block / name / field).write_text(f"{value}\n")
        (dev / name).write_bytes(bytes(40 * SECTOR))
    (dev / "sr0").write_bytes(bytes(16 * SECTOR) + b"\x01CD001\x01" + bytes(33) + LABEL.ljust(32) + bytes(SECTOR))
    return block, dev


def run_on(machine: tuple[Path, Path], programs: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script of the image in a mount namespace with the devices of the guest."""
    command: list[str | Path] = [programs / "sh", SCRIPTS / script, *arguments]
    return run(programs, "/usr/bin/unshare", "--mount", "/bin/sh", "-c", IN_NAMESPACE, "sh", *machine, *command)


@AS_ROOT
@pytest.mark.parametrize(
    ("arguments", "code", "printed"),
    [
        ((), 0, '/dev/sr0: LABEL="config-2" TYPE="iso9660"\n'),
        (("-L", "config-2", "-o", "device"), 0, "/dev/sr0\n"),
        (("-L", "other"), 2, ""),
        (("-o", "device"), 0, "/dev/sr0\n"),
        (("--list",), 4, ""),
    ],
)
def test_blkid_finds_a_config_drive(
    machine: tuple[Path, Path], programs: Path, arguments: tuple[str, ...], code: int, printed: str
) -> None:
    """By its label, as cloud-init and tempest do; the exit codes are those of blkid."""
    completed = run_on(machine, programs, "tty-blkid.sh", *arguments)
    assert (completed.returncode, completed.stdout) == (code, printed), completed.stderr


@AS_ROOT
def test_lsblk_lists_disks(machine: tuple[Path, Path], programs: Path) -> None:
    """The type of each stands below TYPE, where scripts look for it; loop devices of the image itself are not listed."""
    header, *lines = run_on(machine, programs, "tty-lsblk.sh", "-lb", "--nodeps").stdout.splitlines()
    column = header.index("TYPE")
    assert {line.split()[0]: (line.split()[3], line[column : column + 4].strip()) for line in lines} == {
        "vda": (str(1 << 30), "disk"),
        "sr0": (str(900 * 512), "rom"),
    }


def test_curl_gets_and_posts(programs: Path, rest: RestServer, tmp_path: Path) -> None:
    """The body of a response goes to standard output or to a file."""
    rest.respond("GET", "/a", {"one": 1})
    rest.respond("POST", "/b", {"two": 2})
    curl, output = (programs / "sh", SCRIPTS / "tty-curl.sh"), tmp_path / "output"
    assert run(programs, *curl, "-s", f"{rest.url}/a").stdout == '{"one": 1}'
    assert run(programs, *curl, "-X", "POST", "-d", "data=1", f"{rest.url}/b").stdout == '{"two": 2}'
    assert run(programs, *curl, "-o", output, f"{rest.url}/a").stdout == ""
    assert output.read_text() == '{"one": 1}'
    assert rest.requests[1] == Request("POST", "/b", "data=1")


@pytest.mark.parametrize(("arguments", "code"), [(("-V",), 0), (("--proxy", "http://p"), 2), (("-X", "DELETE", "http://127.0.0.1:9/"), 2)])
def test_curl_refuses_what_it_does_not_know(programs: Path, arguments: tuple[str, ...], code: int) -> None:
    """Instead of sending another request."""
    assert run(programs, programs / "sh", SCRIPTS / "tty-curl.sh", *arguments).returncode == code


def test_sudo_runs_a_command(programs: Path) -> None:
    """With its arguments as they are, and its exit code."""
    completed = run(programs, programs / "sh", SCRIPTS / "tty-sudo.sh", "sh", "-c", 'echo "$1"; exit 3', "sh", "a  b")
    assert (completed.stdout, completed.returncode) == ("a  b\n", 3)


@pytest.mark.parametrize(("options", "offset", "signature"), [(("vfat",), 82, b"FAT32"), (("ext2", "-F"), 1080, b"\x53\xef")])
def test_mkfs_creates_a_file_system(programs: Path, tmp_path: Path, options: tuple[str, ...], offset: int, signature: bytes) -> None:
    """The one that was asked for, with its signature. Source: the superblocks in blkid's libraries."""
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(64 << 20))
    assert run(programs, programs / "sh", SCRIPTS / "tty-mkfs.sh", "-t", *options, disk).returncode == 0
    assert disk.read_bytes()[offset:].startswith(signature)


@pytest.mark.parametrize("arguments", [(), ("-t", "xfs"), ("vfat",)])
def test_mkfs_refuses_what_it_cannot_create(programs: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Instead of another file system; the disk is not changed."""
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(1 << 20))
    completed = run(programs, programs / "sh", SCRIPTS / "tty-mkfs.sh", *arguments, disk)
    assert (completed.returncode, completed.stderr) == (
        1,
        f"mkfs: required: -t vfat or -t ext2, found: {' '.join((*arguments, str(disk)))}\n",
    )
    assert disk.read_bytes() == bytes(1 << 20)
