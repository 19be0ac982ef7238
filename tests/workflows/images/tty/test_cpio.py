"""cpio archives, unpacked by another program."""

import shutil
from pathlib import Path

import anyio
import pytest

from workflows.images.tty.cpio import Entry, pack, unpack

ENTRIES = (Entry("bin"), Entry("bin/sh", b"#!", 0o755), Entry("init", b"x" * 5, 0o700), Entry("empty", b""))
MODES = {"bin": 0o755, "bin/sh": 0o755, "init": 0o700, "empty": 0o644}


def read_modes(folder: Path) -> dict[str, int]:
    """Return the mode of each file and folder by its path."""
    return {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in folder.rglob("*")}


@pytest.mark.skipif(shutil.which("busybox") is None, reason="busybox is not installed")
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_busybox_unpacks_an_archive(tmp_path: Path) -> None:
    """Folders, files, contents and modes equal those of the entries."""
    await anyio.run_process(["busybox", "cpio", "-i", "-d"], input=pack(ENTRIES), cwd=tmp_path)
    assert read_modes(tmp_path) == MODES
    assert (tmp_path / "bin/sh").read_bytes() == b"#!"
    assert (tmp_path / "init").read_bytes() == b"xxxxx"


def test_entries_are_written_as_files(tmp_path: Path) -> None:
    """Folders, files, contents and modes equal those of the entries."""
    unpack(ENTRIES, tmp_path / "root")
    assert read_modes(tmp_path / "root") == MODES
    assert (tmp_path / "root/init").read_bytes() == b"xxxxx"


def test_an_entry_has_the_bytes_of_the_format() -> None:
    """Thirteen numbers of eight digits follow the magic number, then the name and a zero, all padded to four bytes."""
    archive = pack([Entry("init", b"abc", 0o755)])
    header = archive[:110]
    assert header[:6] == b"070701"
    assert [int(header[start : start + 8], 16) for start in range(6, 110, 8)] == [1, 0o100755, 0, 0, 1, 0, 3, 0, 0, 0, 0, 5, 0]
    assert archive[110:116] == b"init\0\0"[:6]
    assert archive[116:120] == b"abc\0"
    assert len(archive) % 4 == 0
    assert b"TRAILER!!!\0" in archive


def test_equal_entries_give_equal_bytes() -> None:
    """The archive contains no time and no inode, so that images can be compared."""
    assert pack(ENTRIES) == pack(list(ENTRIES))
