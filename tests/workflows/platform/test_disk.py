"""Free space and write access of paths that do not exist yet."""

from pathlib import Path

from workflows.platform.disk import find_existing, find_write_error, free_mib


def test_the_nearest_parent_that_exists_is_found(tmp_path: Path) -> None:
    """It is the path itself if that exists."""
    assert find_existing(tmp_path) == tmp_path
    assert find_existing(tmp_path / "new" / "folder") == tmp_path


def test_a_new_folder_has_the_free_space_of_its_parent(tmp_path: Path) -> None:
    """Both are on one file system, whose free space other programs change by little."""
    assert abs(free_mib(tmp_path / "new") - free_mib(tmp_path)) < 1024


def test_a_new_folder_is_writable_if_its_parent_is(tmp_path: Path) -> None:
    """The check leaves nothing behind."""
    assert find_write_error(tmp_path / "new") is None
    assert [*tmp_path.iterdir()] == []


def test_the_error_names_folder_parent_and_reason() -> None:
    """/proc accepts no files, not even from root."""
    error = find_write_error(Path("/proc/1/new"))
    assert error is not None
    assert error.startswith("/proc/1/new cannot be written: /proc/1: ")
