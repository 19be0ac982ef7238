"""Files written whole, and the ends of logs."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from novaflow.adapters.storage.files import read_last_lines, write_atomic
from novaflow.errors import MachineError

ROOM = 1 << 20  # bytes; what pytest itself writes meanwhile is less


@pytest.fixture
def _little_room() -> Iterator[None]:
    """Have no file grow beyond a limit, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def _generous_umask() -> Iterator[None]:
    """Have the process take no permission away by itself."""
    before = os.umask(0)
    yield
    os.umask(before)


async def test_text_and_bytes_are_written_with_their_folders(tmp_path: Path) -> None:
    """Folders on the way are made."""
    await write_atomic(tmp_path / "etc/nova/nova.conf", "ü")
    await write_atomic(tmp_path / "etc/key", b"\xff")
    assert (tmp_path / "etc/nova/nova.conf").read_text() == "ü"
    assert (tmp_path / "etc/key").read_bytes() == b"\xff"


async def test_a_reader_sees_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    """Who opened the file before goes on reading what it was."""
    (tmp_path / "conf").write_text("old")
    with (tmp_path / "conf").open() as reader:
        await write_atomic(tmp_path / "conf", "new")
        assert reader.read() == "old"
    assert (tmp_path / "conf").read_text() == "new"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
@pytest.mark.usefixtures("_generous_umask")
async def test_a_file_has_the_mode_asked_for(tmp_path: Path, mode: int) -> None:
    """A password's file is read by nobody else, whatever it was before."""
    (tmp_path / "secret").touch(0o666)
    await write_atomic(tmp_path / "secret", "hush", mode)
    assert (tmp_path / "secret").stat().st_mode & 0o777 == mode


@pytest.mark.usefixtures("_little_room")
async def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    """The message names the file; what was there holds, and no half file lies around."""
    (tmp_path / "image").write_text("old")
    with pytest.raises(MachineError, match=rf"^cannot write {tmp_path}/image: .*; make room or choose another folder$"):
        await write_atomic(tmp_path / "image", bytes(2 * ROOM))
    assert [path.name for path in tmp_path.iterdir()] == ["image"]
    assert (tmp_path / "image").read_text() == "old"


async def test_a_folder_that_cannot_be_made_is_an_error_of_the_machine(tmp_path: Path) -> None:
    """The reason is the system's own."""
    (tmp_path / "etc").write_text("a file")
    with pytest.raises(MachineError, match=r"etc/nova\.conf: (not a directory|file exists)"):
        await write_atomic(tmp_path / "etc/nova.conf", "x")


async def test_the_last_lines_are_read(tmp_path: Path) -> None:
    """As many as asked for, in order, whatever bytes are in them."""
    (tmp_path / "log").write_bytes(b"one\ntwo\nth\xffree\n")
    assert await read_last_lines(tmp_path / "log", count=2) == "two\nth\ufffdree"


async def test_of_a_long_log_only_the_end_is_read(tmp_path: Path) -> None:
    """A log of gigabytes costs no more than one of a page."""
    (tmp_path / "log").write_text("x" * 1000 + "\nlast\n")
    assert await read_last_lines(tmp_path / "log", most_bytes=8) == "xx\nlast"


async def test_no_log_has_no_lines(tmp_path: Path) -> None:
    """A program that never wrote has nothing to show, which is no error."""
    assert await read_last_lines(tmp_path / "log") == ""
