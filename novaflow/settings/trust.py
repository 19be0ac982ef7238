"""Which files novaflow trusts: those that only root, the calling user and the owner of novaflow can change, and no links."""

import grp
import os
import pwd
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from novaflow.errors import NotTrusted

PACKAGE = Path(__file__).parents[1]
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_FOR_OWNER = 0o700
_ACL = "system.posix_acl_access"  # it may give other users the permissions that the mode shows for the group


def trusted_users(environ: Mapping[str, str] | None = None) -> frozenset[int]:
    """Return root, the user of this process, the owner of novaflow's files and, for root, the user who called sudo.

    ``environ`` defaults to the process's.
    """
    sudo = (os.environ if environ is None else environ).get("SUDO_UID", "")
    users = {0, os.geteuid(), PACKAGE.stat().st_uid}
    return frozenset(users | {int(sudo)}) if os.geteuid() == 0 and sudo.isdecimal() else frozenset(users)


def require_trusted(path: Path) -> None:
    """Return if no other user can change or replace the file or folder; one that does not exist yet has folders above it.

    Every link on the way and its target are checked. Others may write into a folder above the path if it is sticky, as /tmp is.

    Raises: NotTrusted, naming the first one that another user owns or may write, its owner and its mode.
    """
    _require_with_parents(path, _TrustedUsers())


def require_trusted_tree(folder: Path) -> None:
    """Return if no other user can change or replace the folder or anything in it.

    Raises: NotTrusted.
    """
    users = _TrustedUsers()
    _require_with_parents(folder, users)
    for path in folder.rglob("*"):
        if path.is_symlink():
            _require_with_parents(path, users)
        else:
            _require_own(path, users)


def refuse_links(path: str, flags: int) -> int:
    """Open a file that is not a link, for the argument ``opener`` of `open`; a new one is for its owner only.

    Raises: OSError, with the number ELOOP if it is a link.
    """
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def create_own_folder(folder: Path) -> None:
    """Create the folder for its owner only, if it is missing; the mode of an existing one is kept.

    Raises: OSError; NotTrusted, if another user can change it.
    """
    folder.mkdir(mode=_FOR_OWNER, parents=True, exist_ok=True)
    require_trusted(folder)


class _TrustedUsers:
    """The users that novaflow trusts, and the groups that have no other members."""

    def __init__(self) -> None:
        self.users = trusted_users()
        self._groups: dict[int, bool] = {}

    def include(self, group: int) -> bool:
        """Return whether all members of the group are trusted; many distributions give each user a group of its own."""
        if group not in self._groups:
            self._groups[group] = self.users.issuperset(_members(group))
        return self._groups[group]


def _members(group: int) -> Iterator[int]:
    """Yield the users in the group; -1 if it is unknown."""
    try:
        names = grp.getgrgid(group).gr_mem
    except KeyError:
        yield -1
    else:
        yield from (user.pw_uid for user in pwd.getpwall() if user.pw_gid == group or user.pw_name in names)


def _require_with_parents(path: Path, users: _TrustedUsers) -> None:
    for one in (path.absolute(), path.resolve()):
        for parent in reversed(one.parents):
            _require_own(parent, users, allows_sticky=True)
        _require_own(one, users)


def _require_own(path: Path, users: _TrustedUsers, *, allows_sticky: bool = False) -> None:
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    mode = stat.S_IMODE(found.st_mode)
    described = f"{path} belongs to {_name(found.st_uid)} and has the mode {mode:04o}"
    if found.st_uid not in users.users:
        expected = " or ".join(_name(user) for user in sorted(users.users))
        raise NotTrusted(f"{described}; its owner must be {expected}: change it with chown, or use another path")
    if stat.S_ISLNK(found.st_mode) or not mode & _OTHERS_MAY_WRITE or (allows_sticky and mode & stat.S_ISVTX):
        return
    if mode & stat.S_IWOTH or not users.include(found.st_gid) or _ACL in os.listxattr(path):
        raise NotTrusted(f"{described}; other users must not be able to write there: chmod go-w {path}")


def _name(user: int) -> str:
    try:
        return f"{pwd.getpwuid(user).pw_name} (uid {user})"
    except KeyError:
        return f"uid {user}"
