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
    """Return the names below an error, drawn as in the file."""
    below = [one for one in CLASSES.values() if one.__bases__ == (error,)]
    lines = []
    for one in below:
        last = one is below[-1]
        lines += [f"{indent}{'└' if last else '├'}── {one.__name__}", *draw_tree(one, indent + ("    " if last else "│   "))]
    return lines


def test_the_tree_at_the_top_is_true() -> None:
    """The file's first lines show every error where it belongs."""
    shown = re.findall(r"^[│├└ ][│├└─ ]*\w+", errors.__doc__ or "", re.MULTILINE)
    assert shown == draw_tree(NovaflowError)


@pytest.mark.parametrize(
    ("error", "exit_code"), [(NovaflowError, 1), (UsageError, 2), (WorkflowError, 2), (RunError, 3), (NotReady, 4), (MachineError, 5)]
)
def test_a_branch_has_an_exit_code(error: type[NovaflowError], exit_code: int) -> None:
    """Scripts rely on the contract's numbers."""
    assert error.exit_code == exit_code


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PortTaken(80, "web", "httpd (pid 7)"), "port 80, which web needs, is taken by httpd (pid 7); stop that program and try again"),
        (ProgramFailed("make", 2, ""), "make ended with exit code 2"),
        (ProgramFailed("make", 2, "no rule"), "make ended with exit code 2:\nno rule"),
        (ServiceExited("web", 1, ""), "web exited with 1"),
        (ServiceExited("web", -9, "bye"), "web was ended by signal 9; its last lines:\nbye"),
        (NotReady("web", 60, "refused"), "web not ready after 60 s: refused"),
    ],
)
def test_a_message_says_what_was_expected_and_found(error: NovaflowError, said: str) -> None:
    """Whoever reads it knows what to look at."""
    assert str(error) == said


def test_an_interruption_leaves_like_a_shell() -> None:
    """128 and the signal's number."""
    assert Interrupted(2).exit_code == 130
