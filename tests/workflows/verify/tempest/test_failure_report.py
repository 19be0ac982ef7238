"""The report of failed tests."""

from pathlib import Path

from workflows.verify.tempest.failure_report import describe_failures
from workflows.verify.tempest.results import Failure

FIRST, SECOND = "req-dd1105bb-fdff-446c-94c9-0e20182ebe69", "req-a8240ce1-2153-440d-8de8-e74ab20ca1b9"


def write_logs(folder: Path) -> Path:
    """Write the logs of two services, with lines of two requests."""
    (folder / "nova-api.log").write_text(
        f"2026 1 ERROR nova.api [None {FIRST} admin] it broke\n"
        f"2026 1 INFO nova.api [None {FIRST} admin] 200\n"
        f"2026 1 ERROR nova.api [None req-other admin] another\n"
    )
    (folder / "nova-compute.log").write_text(f"2026 2 CRITICAL nova.virt [None {SECOND} admin] {'x' * 500}\n")
    return folder


def test_what_services_logged_stands_below_the_test(tmp_path: Path) -> None:
    """Only errors, only about its own requests, with the name of the service, and not wider than a few lines of a terminal."""
    failures = [Failure("test_a", "AssertionError: 1 != 2", [FIRST, SECOND]), Failure("test_b", "BadRequest: no", [])]
    lines = describe_failures(failures, write_logs(tmp_path)).splitlines()
    assert lines[:4] == [
        "test_a",
        "    AssertionError: 1 != 2",
        f"    its last request was {SECOND}",
        f"    nova-api: 2026 1 ERROR nova.api [None {FIRST} admin] it broke",
    ]
    assert lines[4].startswith(f"    nova-compute: 2026 2 CRITICAL nova.virt [None {SECOND}")
    assert len(lines[4]) == len("    nova-compute: ") + 200
    assert lines[5:] == ["test_b", "    BadRequest: no"]


def test_many_failures_are_counted(tmp_path: Path) -> None:
    """The log has all of them."""
    lines = describe_failures([Failure(f"test_{number}") for number in range(23)], tmp_path).splitlines()
    assert lines[-1] == "and 3 more"
    assert len([line for line in lines if line.startswith("test_")]) == 20


def test_the_last_lines_of_a_test_are_shown(tmp_path: Path) -> None:
    """They are closest to its failure."""
    (tmp_path / "glance.log").write_text("".join(f"2026 ERROR glance [{FIRST}] number {number}\n" for number in range(9)))
    lines = describe_failures([Failure("test_a", "e", [FIRST])], tmp_path).splitlines()
    assert [line.rpartition(" ")[2] for line in lines[3:]] == ["6", "7", "8"]
