"""The archive, unpacked by another program."""

import shutil
from pathlib import Path

import anyio
import pytest

from workflows.images.tty.cpio import Entry, pack

ENTRIES = (Entry("bin"), Entry("bin/sh", b"#!", 0o755), Entry("init", b"x" * 5, 0o700), Entry("empty", b""))


@pytest.mark.skipif(shutil.which("busybox") is None, reason="busybox is not installed")
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_busybox_unpacks_it(tmp_path: Path) -> None:
    """Folders, files, contents and modes come out as they went in."""
    await anyio.run_process(["busybox", "cpio", "-i", "-d"], input=pack(ENTRIES), cwd=tmp_path)
    found = {str(path.relative_to(tmp_path)): path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert found == {"bin": 0o755, "bin/sh": 0o755, "init": 0o700, "empty": 0o644}
    assert (tmp_path / "bin/sh").read_bytes() == b"#!"
    assert (tmp_path / "init").read_bytes() == b"xxxxx"


def test_the_bytes_of_an_entry_are_the_formats() -> None:
    """Thirteen numbers of eight digits after the magic, the name with its zero, all of it filled up to four bytes."""
    archive = pack([Entry("init", b"abc", 0o755)])
    header = archive[:110]
    assert header[:6] == b"070701"
    assert [int(header[start : start + 8], 16) for start in range(6, 110, 8)] == [1, 0o100755, 0, 0, 1, 0, 3, 0, 0, 0, 0, 5, 0]
    assert archive[110:116] == b"init\0\0"[:6]
    assert archive[116:120] == b"abc\0"
    assert len(archive) % 4 == 0
    assert b"TRAILER!!!\0" in archive


def test_the_same_entries_give_the_same_bytes() -> None:
    """No time and no inode of this machine is in it: the image can be compared with yesterday's."""
    assert pack(ENTRIES) == pack(list(ENTRIES))
