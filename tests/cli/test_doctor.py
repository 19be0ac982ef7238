"""`novaflow doctor`: the checks of the machine."""

import json
from pathlib import Path

import pytest

from tests.support.toy_stack import Novaflow, ToyStack


@pytest.mark.parametrize(("severity", "code"), [("GOOD", 0), ("WARNING", 0), ("UNWISE", 5), ("BAD", 5)])
def test_the_exit_code_depends_on_the_worst_result(novaflow: Novaflow, toy: ToyStack, severity: str, code: int) -> None:
    """A requirement that is not met, or that `up` needs --force for, means 5; nothing is created."""
    toy.add_check(severity)
    ended = novaflow("doctor", "--json")
    assert (ended.code, ended.err) == (code, "")
    assert json.loads(ended.out) == [
        {"about": "memory", "severity": severity.lower(), "found": "1 GiB", "advice": "4 GiB are needed"},
    ]
    assert not toy.root.exists()


def test_users_get_the_advice(novaflow: Novaflow, toy: ToyStack) -> None:
    """Each result has a line, and the advice another one."""
    toy.add_check("BAD")
    assert [line.split() for line in novaflow("doctor").out.splitlines()] == [
        ["✘", "memory", "1", "GiB"],
        ["4", "GiB", "are", "needed"],
    ]


def test_a_good_result_needs_no_advice(novaflow: Novaflow, toy: ToyStack) -> None:
    """Only the result is shown."""
    toy.add_check("GOOD")
    assert len(novaflow("doctor").out.splitlines()) == 1


def test_without_checks_the_machine_is_good(novaflow: Novaflow) -> None:
    """Components need not have checks."""
    assert json.loads(novaflow("doctor", "--json").out) == []


def test_a_report_is_written_beside_the_output(novaflow: Novaflow, toy: ToyStack, tmp_path: Path) -> None:
    """It is an object of JSON; a file that cannot be written is named."""
    toy.add_check("GOOD")
    assert novaflow("doctor", "--report", str(tmp_path / "report.json")).out == novaflow("doctor").out
    assert json.loads((tmp_path / "report.json").read_text())["checks"][0]["about"] == "memory"
    refused = novaflow("doctor", "--report", str(tmp_path / "none" / "report.json"))
    assert refused.err == f"novaflow: {tmp_path / 'none' / 'report.json'} cannot be written: No such file or directory\n"
    assert refused.code == 2
