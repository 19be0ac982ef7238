"""Files that are replaced in one step."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from novaflow.adapters.storage import require_space, write_atomic, write_with_folder
from novaflow.errors import MachineError
from tests.faults.disks import small_disk

LIMIT = 1 << 20  # bytes; pytest itself writes smaller files


@pytest.fixture
def _full_disk() -> Iterator[None]:
    """Limit the size of files, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def _open_umask() -> Iterator[None]:
    """Let the process create files with every mode."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_text_bytes_and_chunks_are_written(tmp_path: Path) -> None:
    """Text is encoded as UTF-8."""
    write_atomic(tmp_path / "text", "ü")
    write_atomic(tmp_path / "bytes", b"\xff", fsync=True)
    write_atomic(tmp_path / "chunks", (line for line in (b"one\n", b"two\n")))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "text": b"\xc3\xbc",
        "bytes": b"\xff",
        "chunks": b"one\ntwo\n",
    }


def test_a_reader_sees_the_old_or_the_new_content(tmp_path: Path) -> None:
    """A reader that opened the file before reads the old content to its end."""
    (tmp_path / "conf").write_text("old")
    with (tmp_path / "conf").open() as reader:
        write_atomic(tmp_path / "conf", "new")
        assert reader.read() == "old"
    assert (tmp_path / "conf").read_text() == "new"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
@pytest.mark.usefixtures("_open_umask")
def test_a_file_gets_the_given_mode(tmp_path: Path, mode: int) -> None:
    """The mode of the old file does not count."""
    (tmp_path / "secret").touch(0o666)
    write_atomic(tmp_path / "secret", "password", mode)
    assert (tmp_path / "secret").stat().st_mode & 0o777 == mode


@pytest.mark.usefixtures("_full_disk")
def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """The old content is unchanged, and no temporary file is left."""
    (tmp_path / "image").write_text("old")
    with pytest.raises(OSError, match="File too large"):
        write_atomic(tmp_path / "image", bytes(2 * LIMIT))
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"image": "old"}


async def test_folders_are_created(tmp_path: Path) -> None:
    """The asynchronous variant creates the folder of the file."""
    await write_with_folder(tmp_path / "etc/nova/nova.conf", "x", 0o600)
    assert (tmp_path / "etc/nova/nova.conf").read_text() == "x"
    assert (tmp_path / "etc/nova/nova.conf").stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("_full_disk")
async def test_a_write_error_is_an_error_of_the_machine(tmp_path: Path) -> None:
    """The message names the file and the reason."""
    with pytest.raises(MachineError, match=rf"^cannot write {tmp_path}/image: file too large; free some space or choose another folder$"):
        await write_with_folder(tmp_path / "image", bytes(2 * LIMIT))


def test_a_read_only_file_system_has_space(tmp_path: Path) -> None:
    """The advice is another one than that for a full disk."""
    folder = tmp_path / "disk"
    message = rf"^cannot write {folder}: read-only file system; mount the file system writable or choose another folder$"
    with small_disk(folder, 1) as disk:
        disk.make_read_only()
        with pytest.raises(MachineError, match=message):
            require_space(folder)


async def test_a_folder_that_cannot_be_created_is_an_error_of_the_machine(tmp_path: Path) -> None:
    """The reason is that of the system."""
    (tmp_path / "etc").write_text("a file")
    with pytest.raises(MachineError, match=r"etc/nova\.conf: (not a directory|file exists)"):
        await write_with_folder(tmp_path / "etc/nova.conf", "x")
