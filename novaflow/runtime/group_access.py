"""The folders and records of a stack, with the access of NOVAFLOW_GROUP."""

from novaflow.model.paths import Paths
from novaflow.settings import LIST, SEARCH, make_private_folder, require_trusted, share


def make_folders(paths: Paths, group: int | None) -> None:
    """Create the folders of a stack, and give the group, if there is one, the access that `status`, `logs`, `events` and `env` need.

    Raises: OSError; NotTrusted.
    """
    if group is not None and paths.root.is_dir():
        _close(paths)  # before the group may search the folder
    for folder in (paths.root, paths.run, paths.credentials):
        make_private_folder(folder, group, SEARCH)
    make_private_folder(paths.log, group, LIST)
    for folder in (paths.etc, paths.data):
        make_private_folder(folder)


def _close(paths: Paths) -> None:
    """Take the permissions of others from what the user has put into the folder of the stack, such as a `.env` with passwords."""
    require_trusted(paths.root)
    for path in {*paths.root.iterdir()} - {paths.run, paths.credentials, paths.log, paths.journal}:
        if not path.is_symlink() and path.stat().st_mode & 0o077:
            path.chmod(path.stat().st_mode & 0o700)


def share_records(paths: Paths, group: int | None) -> None:
    """Let the group read the journal and the existing logs; if there is no group, let only the owner read them.

    A log that is created later has the access of its folder.

    Raises: OSError.
    """
    share(paths.journal, group)
    for log in paths.log.glob("*.log*"):
        if log.is_file() and not log.is_symlink():
            share(log, group)
