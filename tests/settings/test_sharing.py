"""Files and folders that a group may use."""

import grp
import os
import stat
from pathlib import Path

import pytest

from novaflow.settings import LIST, SEARCH, find_group, make_private_folder, open_log, share
from novaflow.settings.sharing import is_closed, may_give_access

OWN = os.getegid()  # a group that every user may give access


def mode(path: Path) -> int:
    """Return the permissions of a path."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_group_is_found_by_its_name() -> None:
    """No name and an unknown name give access to no group."""
    assert find_group(grp.getgrgid(OWN).gr_name) == OWN
    assert (find_group(None), find_group(""), find_group("no-such-group")) == (None, None, None)


def test_a_user_may_give_access_to_groups_of_its_own() -> None:
    """Root may do so for every group."""
    unused = max(group.gr_gid for group in grp.getgrall() if group.gr_gid < 60_000) + 1
    assert may_give_access(OWN)
    assert may_give_access(unused) == (os.geteuid() == 0)


def test_a_shared_file_is_closed_again(tmp_path: Path) -> None:
    """Other users get nothing at any time, and the content is kept."""
    file = tmp_path / "file"
    file.write_text("kept")
    file.chmod(0o666)
    share(file, OWN)
    assert (mode(file), file.stat().st_gid) == (0o640, OWN)
    share(file, None)
    assert (mode(file), file.read_text()) == (0o600, "kept")


def test_a_shared_folder_has_the_permissions_of_its_use(tmp_path: Path) -> None:
    """A folder that is only searched cannot be listed; a link in its place is refused."""
    for permissions, expected in ((SEARCH, 0o710), (LIST, 0o750)):
        make_private_folder(tmp_path / "folder", OWN, permissions)
        assert (mode(tmp_path / "folder"), (tmp_path / "folder").stat().st_gid) == (expected, OWN)
    make_private_folder(tmp_path / "folder")
    assert mode(tmp_path / "folder") == 0o700
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    with pytest.raises(OSError, match="symbolic links"):
        share(tmp_path / "link", OWN)


@pytest.mark.parametrize(("permissions", "expected"), [(0, 0o600), (SEARCH, 0o600), (LIST, 0o640)])
def test_a_log_has_the_access_of_its_folder(tmp_path: Path, permissions: int, expected: int) -> None:
    """New files and those of an earlier start: the group that may list the folder may read them."""
    share(tmp_path, OWN, permissions)
    (tmp_path / "old.log").touch(0o644)
    for name in ("old.log", "new.log"):
        with open(tmp_path / name, "ab", opener=open_log):
            assert mode(tmp_path / name) == expected


def test_a_file_is_never_closed_for_its_owner(tmp_path: Path) -> None:
    """Nor a file that does not exist, or in a folder that does not."""
    share(tmp_path, OWN, SEARCH)
    (tmp_path / ".env").touch(0)
    assert not is_closed(tmp_path / ".env")
    assert not is_closed(tmp_path / "missing")
    assert not is_closed(tmp_path / "missing/.env")
