"""Which files are trusted: owners, modes, links and the folders above."""

import errno
import os
import re
import stat
import struct
from pathlib import Path

import pytest

from novaflow.errors import NotTrusted
from novaflow.settings import make_private_folder, refuse_links, require_trusted, require_trusted_tree
from novaflow.settings.trust import PACKAGE, trusted_users

ME = os.geteuid()
STRANGER = 65534  # the user that owns nothing
by_root = pytest.mark.skipif(ME != 0, reason="only root can create the files of another user")


def refuse(path: Path, *, tree: bool = False) -> str:
    """Return the message of the error, in which the name of each user is replaced by ``USER``."""
    with pytest.raises(NotTrusted) as refused:
        (require_trusted_tree if tree else require_trusted)(path)
    return re.sub(r"\S+ \(uid (\d+)\)|\buid (\d+)", r"USER \1\2", str(refused.value))


def writable(path: Path, mode: int, owner: int = ME) -> str:
    """Return the message about a file that others may write."""
    described = f"{path} belongs to USER {owner} and has the mode {mode:04o}"
    return f"{described}; other users must not be able to write there: chmod go-w {path}"


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o444, 0o755, 0o000])
def test_a_file_that_only_its_owner_writes_is_trusted(tmp_path: Path, mode: int) -> None:
    """Others may read it."""
    file = tmp_path / ".env"
    file.touch()
    file.chmod(mode)
    require_trusted(file)


@pytest.mark.parametrize("mode", [0o602, 0o646, 0o666, 0o777])
def test_a_file_that_all_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    """The message has the file, its owner, its mode and the command that corrects it."""
    file = tmp_path / ".env"
    file.touch()
    file.chmod(mode)
    assert refuse(file) == writable(file, mode)


def test_a_missing_file_is_trusted(tmp_path: Path) -> None:
    """So is one below a file, which cannot be created either."""
    (tmp_path / "file").touch()
    require_trusted(tmp_path / "missing/deeper")
    require_trusted(tmp_path / "file/deeper")


@pytest.mark.parametrize("mode", [0o777, 0o757])
def test_a_folder_above_that_all_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    """Others could replace what is in it, also a file that does not exist yet."""
    folder = tmp_path / "open"
    (folder / "closed").mkdir(parents=True)
    folder.chmod(mode)
    assert refuse(folder / "closed/missing") == writable(folder, mode)


def test_a_sticky_folder_is_trusted_above_a_path_only(tmp_path: Path) -> None:
    """In a folder like /tmp others cannot replace a file, but they can create some: it is no folder of a stack."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    require_trusted(folder / "nova")
    assert refuse(folder) == writable(folder, 0o1777)


def test_the_target_of_a_link_is_checked(tmp_path: Path) -> None:
    """The mode of a link has no meaning; that of its target and of the folders above the target has."""
    target = tmp_path / "elsewhere" / "target"
    target.parent.mkdir()
    target.touch()
    link = tmp_path / "link"
    link.symlink_to(target)
    require_trusted(link)
    target.chmod(0o666)
    assert refuse(link) == writable(target, 0o666)
    target.chmod(0o600)
    target.parent.chmod(0o777)
    assert refuse(link) == writable(target.parent, 0o777)


def test_a_relative_path_starts_at_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the absolute path."""
    monkeypatch.chdir(tmp_path)
    Path("open").touch()
    Path("open").chmod(0o666)
    assert refuse(Path("open")) == writable(tmp_path / "open", 0o666)


@by_root
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    """The message names all owners that are trusted."""
    file = tmp_path / ".env"
    file.touch()
    os.chown(file, STRANGER, -1)
    trusted = " or ".join(f"USER {user}" for user in sorted(trusted_users()))
    assert refuse(file) == (
        f"{file} belongs to USER {STRANGER} and has the mode 0644; its owner must be {trusted}: change it with chown, or use another path"
    )


@by_root
def test_an_owner_without_a_name_is_shown_by_number(tmp_path: Path) -> None:
    """The user may have been deleted, or belong to a container."""
    file = tmp_path / ".env"
    file.touch()
    os.chown(file, 4_000_000_007, -1)
    with pytest.raises(NotTrusted, match=re.escape(f"{file} belongs to uid 4000000007 and has the mode 0644; its owner must be ")):
        require_trusted(file)


@by_root
def test_a_link_of_another_user_is_refused(tmp_path: Path) -> None:
    """Its owner could replace it, although its target is trusted."""
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    os.lchown(link, STRANGER, -1)
    assert refuse(link / "nova").startswith(f"{link} belongs to USER {STRANGER} and has the mode 0777; its owner must be ")


@by_root
@pytest.mark.parametrize("group", [STRANGER, 4_000_000_007], ids=["of another user", "unknown"])
def test_a_group_with_other_members_is_refused(tmp_path: Path, group: int) -> None:
    """A group without a name may have any members."""
    tmp_path.chmod(0o770)
    require_trusted(tmp_path)  # the group of root
    os.chown(tmp_path, -1, group)
    assert refuse(tmp_path) == writable(tmp_path, 0o770)


def test_a_file_that_an_access_control_list_opens_is_refused(tmp_path: Path) -> None:
    """The mode shows the rights of all named users as those of the group, which may have no other members."""
    file = tmp_path / ".env"
    file.touch()
    # Source: acl(5), linux/posix_acl_xattr.h: owner rw, the other user rw, group none, mask rw, others none.
    entries = [(0x01, 6, -1), (0x02, 6, STRANGER), (0x04, 0, -1), (0x10, 6, -1), (0x20, 0, -1)]
    try:
        os.setxattr(file, "system.posix_acl_access", struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries))
    except OSError as error:
        pytest.skip(f"this file system has no access control lists: {error.strerror}")
    assert refuse(file) == writable(file, 0o660)


def test_a_tree_is_checked_to_its_leaves(tmp_path: Path) -> None:
    """A file at any depth that others may write is refused."""
    deep = tmp_path / "a/b/c.py"
    deep.parent.mkdir(parents=True)
    deep.touch()
    require_trusted_tree(tmp_path)
    deep.chmod(0o646)
    assert refuse(tmp_path, tree=True) == writable(deep, 0o646)
    require_trusted(tmp_path)


def test_a_tree_contains_the_targets_of_its_links(tmp_path: Path) -> None:
    """Code outside of the tree that a link leads to is checked, too; a link without a target is not an error."""
    tree, outside = tmp_path / "tree", tmp_path / "outside.py"
    tree.mkdir()
    outside.touch()
    (tree / "module.py").symlink_to(outside)
    (tree / "broken.py").symlink_to(tmp_path / "missing.py")
    require_trusted_tree(tree)
    outside.chmod(0o666)
    assert refuse(tree, tree=True) == writable(outside, 0o666)


def test_a_sticky_folder_inside_a_tree_is_refused(tmp_path: Path) -> None:
    """Others could add modules there."""
    folder = tmp_path / "components"
    folder.mkdir()
    folder.chmod(0o1777)
    assert refuse(tmp_path, tree=True) == writable(folder, 0o1777)


def test_the_calling_user_is_trusted() -> None:
    """Without sudo: root, the user of this process, and the owner of novaflow."""
    assert trusted_users({}) == {0, ME, PACKAGE.stat().st_uid}


@pytest.mark.parametrize(("text", "added"), [("4711", {4711}), ("", set()), ("-1", set()), ("root", set()), ("4711 ", set())])
def test_the_user_who_called_sudo_is_trusted_by_root(text: str, added: set[int]) -> None:
    """SUDO_UID has no effect for other users, who can set it to anything, and none if it is not a number."""
    assert trusted_users({"SUDO_UID": text}) - trusted_users({}) == (added if ME == 0 else set())


def test_a_private_folder_is_created_with_those_above(tmp_path: Path) -> None:
    """The mode does not depend on the umask."""
    os.umask(0)
    (tmp_path / "srv").mkdir(mode=0o755)
    folder = tmp_path / "srv/nova"
    make_private_folder(folder)
    make_private_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o755, 0o711, 0o500])
def test_the_folder_of_an_earlier_release_becomes_private(tmp_path: Path, mode: int) -> None:
    """Its content is kept."""
    (tmp_path / "kept").touch()
    tmp_path.chmod(mode)
    make_private_folder(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    assert (tmp_path / "kept").exists()


def test_a_folder_that_others_could_change_does_not_become_private(tmp_path: Path) -> None:
    """Others may have put files there: the mode is not changed without the user."""
    tmp_path.chmod(0o777)
    with pytest.raises(NotTrusted, match=re.escape(f"chmod go-w {tmp_path}")):
        make_private_folder(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o777


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    """It is kept."""
    (tmp_path / "nova").write_text("mine")
    with pytest.raises(FileExistsError):
        make_private_folder(tmp_path / "nova")
    assert (tmp_path / "nova").read_text() == "mine"


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """The opener gives it the mode 0600; the mode of an existing file is kept."""
    os.umask(0)
    with open(tmp_path / "new", "w", opener=refuse_links) as stream:
        stream.write("secret")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600
    (tmp_path / "new").chmod(0o640)
    with open(tmp_path / "new", opener=refuse_links) as stream:
        assert stream.read() == "secret"
        assert not os.get_inheritable(stream.fileno())
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


@pytest.mark.parametrize("target", ["target", "missing"])
def test_a_link_is_not_opened(tmp_path: Path, target: str) -> None:
    """Neither an existing target is written, nor a missing one created."""
    (tmp_path / "target").write_text("untouched")
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(OSError, match="Too many levels of symbolic links") as refused:
        open(tmp_path / "link", "w", opener=refuse_links)  # noqa: SIM115
    assert refused.value.errno == errno.ELOOP
    assert (tmp_path / "target").read_text() == "untouched"
    assert not (tmp_path / "missing").exists()
