"""Errors: one tree, and an exit code for each branch."""

import inspect
import re

import pytest

from novaflow import errors
from novaflow.errors import (
    Interrupted,
    MachineError,
    NotReady,
    NovaflowError,
    PortTaken,
    ProgramFailed,
    RunError,
    ServiceExited,
    UsageError,
    WorkflowError,
)

CLASSES = {name: error for name, error in vars(errors).items() if inspect.isclass(error) and issubclass(error, NovaflowError)}


def draw_tree(error: type[NovaflowError], indent: str = "") -> list[str]:
    """Return the names below an error, drawn as in the module's docstring."""
    below = [one for one in CLASSES.values() if one.__bases__ == (error,)]
    lines = []
    for one in below:
        last = one is below[-1]
        lines += [f"{indent}{'└' if last else '├'}── {one.__name__}", *draw_tree(one, indent + ("    " if last else "│   "))]
    return lines


def test_the_tree_in_the_docstring_is_complete() -> None:
    """The module's docstring shows every error below its base."""
    shown = re.findall(r"^[│├└ ][│├└─ ]*\w+", errors.__doc__ or "", re.MULTILINE)
    assert shown == draw_tree(NovaflowError)


@pytest.mark.parametrize(
    ("error", "exit_code"), [(NovaflowError, 1), (UsageError, 2), (WorkflowError, 2), (RunError, 3), (NotReady, 4), (MachineError, 5)]
)
def test_a_branch_has_an_exit_code(error: type[NovaflowError], exit_code: int) -> None:
    """The exit codes are those of the contract."""
    assert error.exit_code == exit_code


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PortTaken(80, "web", "httpd (pid 7)"), "port 80, which web needs, is in use by httpd (pid 7); stop that program and try again"),
        (ProgramFailed("make", 2, ""), "make exited with 2"),
        (ServiceExited("web", 1, ""), "web exited with 1"),
        (ServiceExited("web", -9, "bye"), "web was killed by signal 9"),
        (NotReady("web", 60, "refused"), "web not ready after 60 s: refused"),
    ],
)
def test_messages_name_the_expected_and_the_found_value(error: NovaflowError, message: str) -> None:
    """Each message is one line of plain text."""
    assert str(error) == message


def test_a_description_ends_with_the_log_tail() -> None:
    """The terminal shows the last lines of a failed program below the message."""
    assert ServiceExited("web", 1, "no licence\nbye").describe() == "web exited with 1\nno licence\nbye"
    assert ServiceExited("web", 1, "").describe() == "web exited with 1"


def test_an_interruption_exits_like_a_shell() -> None:
    """The exit code is 128 plus the number of the signal."""
    assert Interrupted(2).exit_code == 130
