"""What the members of NOVAFLOW_GROUP may use of a stack; all other files and folders are for the owner of the stack only."""

import grp
import os
import stat
from contextlib import suppress
from pathlib import Path

from novaflow.settings.trust import create_own_folder, refuse_links

SEARCH, READ, LIST, CONNECT = 0o010, 0o040, 0o050, 0o060  # permissions of the group: of a folder, a file, a folder, a socket
_FOLDER, _FILE = 0o700, 0o600  # permissions of the owner


def find_group(name: str | None) -> int | None:
    """Return the id of the group; ``None`` if there is no such group on this machine, or no name."""
    try:
        return grp.getgrnam(name).gr_gid if name else None
    except KeyError:
        return None


def may_give_access(group: int) -> bool:
    """Return whether the kernel allows this user to give a file to the group. Source: chown(2)."""
    return os.geteuid() == 0 or group in _own_groups()


def is_closed(path: Path) -> bool:
    """Return whether the file exists in a folder that this user may search as a member of its group, and may not be read."""
    try:
        folder = path.parent.stat()
    except OSError:
        return False
    is_member = folder.st_uid != os.geteuid() and bool(folder.st_mode & SEARCH) and folder.st_gid in _own_groups()
    return is_member and path.exists() and not os.access(path, os.R_OK)


def make_private_folder(folder: Path, group: int | None = None, permissions: int = 0) -> None:
    """Create the folder if it is missing, and let only its owner use it, and the group if there is one.

    Raises: OSError; NotTrusted.
    """
    create_own_folder(folder)
    share(folder, group, permissions)


def share(path: Path, group: int | None, permissions: int = READ) -> None:
    """Give the group these permissions of a file or folder, and other users none; if there is no group, only the owner has any.

    Raises: OSError, also if it is a link.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        share_open(descriptor, group, permissions)
    finally:
        os.close(descriptor)


def share_open(descriptor: int, group: int | None, permissions: int = READ) -> None:
    """Do the same for an open file or folder.

    Raises: OSError.
    """
    found = os.fstat(descriptor)
    mode = (_FOLDER if stat.S_ISDIR(found.st_mode) else _FILE) | (0 if group is None else permissions)
    if group is not None and group != found.st_gid:
        os.fchmod(descriptor, mode & ~permissions)  # before it changes the group: the mode may have permissions for another one
        os.fchown(descriptor, -1, group)
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
        os.fchmod(descriptor, mode)


def open_log(path: str, flags: int) -> int:
    """Open a file that is not a link, for the argument ``opener`` of `open`; the group that may list its folder may read it.

    Raises: OSError, with the number ELOOP if it is a link.
    """
    descriptor = refuse_links(path, flags)
    folder = Path(path).parent.stat()
    with suppress(PermissionError):  # it stays closed: this user may not give it to the group of the folder
        share_open(descriptor, folder.st_gid if folder.st_mode & stat.S_IRGRP else None)
    return descriptor


def _own_groups() -> set[int]:
    return {os.getegid(), *os.getgroups()}
