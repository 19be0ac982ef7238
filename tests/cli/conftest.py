"""The command line in this process, on a stack of toys."""

import contextlib
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
import structlog

from novaflow.cli.main import main
from tests.support.toy_stack import Ended, Novaflow, ToyStack


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ToyStack:
    """Return a stack of toys that was never run; it is the one that commands without DIR use."""
    toy = ToyStack(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOVAFLOW_WORKFLOWS", str(toy.workflows))
    return toy


@pytest.fixture
def novaflow(toy: ToyStack) -> Iterator[Novaflow]:  # noqa: ARG001 - commands run on it
    """Return the program: it is called with arguments, and returns its exit code and output."""
    yield run_main
    structlog.reset_defaults()


def run_main(*arguments: str) -> Ended:
    """Run the program as `novaflow ARGUMENTS` does."""
    out, err = StringIO(), StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(arguments)
        except SystemExit as leave:
            code = int(leave.code or 0)
    return Ended(code, out.getvalue(), err.getvalue())
