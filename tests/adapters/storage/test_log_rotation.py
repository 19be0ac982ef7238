"""Logs are rotated while their programs write to them."""

import subprocess
import sys
from pathlib import Path

from structlog.testing import capture_logs

from novaflow.adapters.storage import rotate_logs

LARGEST = 1000
WRITER = """
import sys
for line in sys.stdin:
    print(line, end="", flush=True)
    print("done", file=sys.stderr, flush=True)
"""


def test_a_large_log_is_moved(tmp_path: Path) -> None:
    """Its end is in the file with the suffix `.1`; small files, and those of other kinds, stay."""
    content = "".join(f"line {number:04}\n" for number in range(200))
    (tmp_path / "web.log").write_text(content)
    (tmp_path / "web.log").chmod(0o600)
    (tmp_path / "small.log").write_text("x" * LARGEST)
    (tmp_path / "crash.dump").write_text("x" * 2 * LARGEST)
    rotate_logs(tmp_path, largest=LARGEST)
    assert (tmp_path / "web.log").read_text() == ""
    assert (tmp_path / "web.log.1").read_text() == content[-LARGEST:]
    assert (tmp_path / "web.log.1").stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"web.log", "web.log.1", "small.log", "crash.dump"}


def test_a_program_continues_to_write(tmp_path: Path) -> None:
    """Its next line is the first one of the file, and no hole of zeros precedes it."""
    with (tmp_path / "web.log").open("ab") as output:
        command = [sys.executable, "-IS", "-u", "-c", WRITER]
        with subprocess.Popen(  # noqa: S603, TID251 - the test's own program
            command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.PIPE, text=True
        ) as program:
            assert program.stdin
            assert program.stderr
            for line in ("x" * 2 * LARGEST, "after the rotation"):
                program.stdin.write(f"{line}\n")
                program.stdin.flush()
                program.stderr.readline()
                if line.startswith("x"):
                    rotate_logs(tmp_path, largest=LARGEST)
            program.stdin.close()
    assert (tmp_path / "web.log").read_text() == "after the rotation\n"


def test_a_second_rotation_replaces_the_first(tmp_path: Path) -> None:
    """There are never more than two files of a log."""
    for letter in "ab":
        (tmp_path / "web.log").write_text(letter * 2 * LARGEST)
        rotate_logs(tmp_path, largest=LARGEST)
    assert (tmp_path / "web.log.1").read_text() == "b" * LARGEST


def test_a_log_that_cannot_be_rotated_is_reported(tmp_path: Path) -> None:
    """The others are rotated."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.log").write_text("x" * 2 * LARGEST)
    (tmp_path / "a.log.1").mkdir()
    with capture_logs() as logs:
        rotate_logs(tmp_path, largest=LARGEST)
    assert sorted(entry["event"] for entry in logs) == ["log.not_rotated", "log.rotated"]
    assert (tmp_path / "b.log").read_text() == ""
