"""The end of log files."""

from pathlib import Path

from novaflow.adapters.storage import LineFollower, read_last_lines


async def test_the_last_lines_are_read(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are replaced."""
    (tmp_path / "log").write_bytes(b"one\ntwo\nth\xffree\n")
    assert await read_last_lines(tmp_path / "log", count=2) == "two\nth\ufffdree"


async def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    """At most the given number of bytes is read."""
    (tmp_path / "log").write_text("x" * 1000 + "\nlast\n")
    assert await read_last_lines(tmp_path / "log", most_bytes=8) == "xx\nlast"


async def test_a_missing_log_has_no_lines(tmp_path: Path) -> None:
    """A program that has not written yet has no log."""
    assert await read_last_lines(tmp_path / "log") == ""


async def test_new_lines_are_followed(tmp_path: Path) -> None:
    """A line is returned when it is complete; the file may be created later and truncated."""
    path = tmp_path / "log"
    follower = LineFollower(path)
    assert await follower.read() == []
    path.write_text("one\ntw")
    assert await follower.read() == ["one"]
    with path.open("a") as file:
        file.write("o\nthree\n")
    assert await follower.read() == ["two", "three"]
    path.write_text("new\n")
    assert await follower.read() == ["new"]


async def test_old_lines_are_not_followed(tmp_path: Path) -> None:
    """A follower begins at the end of the file."""
    (tmp_path / "log").write_text("old\n")
    follower = LineFollower(tmp_path / "log")
    assert await follower.read() == []


async def test_a_flood_is_read_in_pieces(tmp_path: Path) -> None:
    """No more than a MiB is in memory at once, and no line is lost; a line without an end is returned in pieces."""
    follower = LineFollower(tmp_path / "log")
    line = "x" * 1023
    (tmp_path / "log").write_text(f"{line}\n" * 2500)
    read = [await follower.read() for _ in range(4)]
    assert [len(lines) for lines in read] == [1024, 1024, 452, 0]
    assert {*read[0], *read[1], *read[2]} == {line}
    with (tmp_path / "log").open("a") as file:
        file.write("y" * (5 << 19))
    assert [[len(piece) for piece in await follower.read()] for _ in range(4)] == [[], [2 << 20], [], []]
