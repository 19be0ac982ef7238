"""The reference of exit codes and errors, written from the classes of errors."""

from collections.abc import Iterator

from novaflow.cli.commands.status import EXIT_CODES
from novaflow.errors import Interrupted, MachineError, NotReady, NovaflowError, OutputClosed, RunError, UsageError, WorkflowError
from novaflow.events.types import StackState
from tools.markdown import GENERATED, escape, table

_HEAD = """\
# Exit codes

The exit code says who can fix the problem: the user (2), the author of a definition in `workflows/` (2), the operator of the
machine (5), or the developer of the service that failed (3, 4).
"""
_SIGNALS = (1, 2, 15)  # SIGHUP, SIGINT, SIGTERM
_STATUS = "## Exit codes of `status`\n\n`status` reports the state of the stack:\n"
_ERRORS = "## Errors\n\nThe class of an error decides the exit code. The classes are in `novaflow/errors.py`.\n"
_BRANCHES = (UsageError, WorkflowError, RunError, NotReady, MachineError)


def page() -> str:
    """Return the page: exit codes, those of ``status``, and every class of errors."""
    codes = table(("exit code", "meaning"), ((code, escape(meaning)) for code, meaning in exit_codes()))
    states = table(("state", "exit code"), ((f"`{state}`", str(code)) for state, code in EXIT_CODES.items()))
    errors = table(("error", "exit code", "meaning"), _errors(NovaflowError))
    return "\n".join([GENERATED, _HEAD, *codes, _STATUS, *states, _ERRORS, *errors])


def exit_codes() -> Iterator[tuple[str, str]]:
    """Return each exit code and its meaning."""
    yield "0", "The command succeeded, or there was nothing to do."
    yield str(NovaflowError.exit_code), "A defect in novaflow; the output is a Python traceback."
    for code in sorted({branch.exit_code for branch in _BRANCHES}):
        yield str(code), " ".join(_first_line(branch) for branch in _BRANCHES if branch.exit_code == code)
    yield str(EXIT_CODES[StackState.STOPPED]), "Only `status`: the stack is stopping or stopped."
    yield str(OutputClosed.exit_code), _first_line(OutputClosed)
    yield ", ".join(str(Interrupted(number).exit_code) for number in _SIGNALS), _first_line(Interrupted)


def _errors(error: type[NovaflowError]) -> Iterator[tuple[str, str, str]]:
    for one in error.__subclasses__():
        if one.__module__ != NovaflowError.__module__:  # of a component that is loaded
            continue
        code = "128 + signal" if one is Interrupted else str(one.exit_code)
        yield f"`{one.__name__}`", code, escape(_first_line(one))
        yield from _errors(one)


def _first_line(error: type[NovaflowError]) -> str:
    return (error.__doc__ or "").partition("\n")[0]
