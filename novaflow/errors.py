"""All errors that novaflow reports, as one tree.

NovaflowError
├── UsageError              the command or its settings are invalid; nothing was changed
│   ├── SettingsInvalid     a setting, or the file that sets it, is invalid
│   ├── NotTrusted          another user can change a file that novaflow would use
│   └── ComponentUnknown    no component has this name
├── WorkflowError           a definition in workflows/ is invalid
│   ├── ComponentBroken     a module cannot be loaded or does not define a component
│   ├── DependencyCycle     steps or services need each other
│   ├── DuplicateName       two steps or services have the same name
│   ├── NeedUnknown         a need names neither a node nor a component
│   └── PortConflict        two services declare the same port
├── MachineError            this machine does not meet a requirement; `novaflow doctor` lists them
│   ├── MachineUnfit        a check failed before anything was changed
│   ├── PortTaken           another program listens on a port of the stack
│   └── StackBusy           another novaflow process holds the lock of the stack
├── RunError                a step or a program failed
│   ├── WorkflowFailed      some nodes of a workflow failed
│   ├── NodesFailed         the same in the supervisor
│   ├── StepFailed          the body of a step failed
│   ├── ProgramFailed       a program exited with an unexpected exit code
│   ├── ServiceExited       a service exited while it was needed
│   ├── ServiceUnresponsive a service runs but does not answer
│   └── SupervisorUnresponsive  the supervisor of a stack runs but does not answer
├── NotReady                a service did not become ready in time
├── OutputClosed            the program that reads the output has ended
└── Interrupted             a signal stopped the command after a complete clean-up
"""

import signal
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol


class NovaflowError(Exception):
    """Base of all errors that are reported without a traceback.

    ``exit_code`` is the exit code of the command, ``log_tail`` the last lines that the failed program printed, and ``nodes`` the
    names of the steps and services that failed.
    """

    exit_code = 1
    log_tail = ""
    nodes: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return the message, followed by the log tail and by the notes of the exception if there are any."""
        return "\n".join((str(self), *filter(None, (self.log_tail,)), *getattr(self, "__notes__", ())))


class UsageError(NovaflowError):
    """The command or its settings are invalid; nothing was changed."""

    exit_code = 2


class SettingsInvalid(UsageError):
    """A setting, or the file that sets it, is invalid."""


class NotTrusted(UsageError):
    """Another user can change a file or folder that novaflow would use."""


class ComponentUnknown(UsageError):
    """No component has this name, neither as its name nor as an alias."""

    def __init__(self, name: str, suggestion: str | None) -> None:
        hint = f"; did you mean {suggestion!r}?" if suggestion else ""
        super().__init__(f"unknown component {name!r}{hint}")
        self.name, self.suggestion = name, suggestion


class WorkflowError(NovaflowError):
    """A definition in ``workflows/`` is invalid; a retry cannot succeed."""

    exit_code = 2


class ComponentBroken(WorkflowError):
    """A module in ``workflows/`` cannot be loaded or does not define a component."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path


class DependencyCycle(WorkflowError):
    """Steps or services need each other; ``walk`` starts and ends with the same node, and each node needs the next one."""

    def __init__(self, walk: tuple[str, ...]) -> None:
        super().__init__(f"dependency cycle: {' -> '.join(walk)}")
        self.walk = walk


class DuplicateName(WorkflowError):
    """Two steps or services of one workflow have the same name."""

    def __init__(self, name: str, first: str, second: str) -> None:
        where = f"twice in {first}" if first == second else f"in {first} and in {second}"
        super().__init__(f"{name!r} is defined {where}; rename one of them")
        self.name = name


class NeedUnknown(WorkflowError):
    """A need names neither a node nor a component."""

    def __init__(self, node: str, need: str, suggestion: str | None) -> None:
        hint = f"; did you mean {suggestion!r}?" if suggestion else ""
        super().__init__(f"{node} needs {need!r}, which does not exist{hint}")
        self.node, self.need, self.suggestion = node, need, suggestion


class PortConflict(WorkflowError):
    """Two services of one workflow declare the same port."""

    def __init__(self, port: int, first: str, second: str) -> None:
        super().__init__(f"{first} and {second} both declare port {port}; change one of them")
        self.port = port


class MachineError(NovaflowError):
    """This machine does not meet a requirement."""

    exit_code = 5


class UnmetRequirement(Protocol):
    """The result of a failed check: its subject, the value found, and what to do."""

    @property
    def about(self) -> str: ...  # noqa: D102 - the class says what they are

    @property
    def found(self) -> str: ...  # noqa: D102

    @property
    def advice(self) -> str: ...  # noqa: D102


class MachineUnfit(MachineError):
    """Checks failed before anything was changed; ``missing`` holds the result of each."""

    def __init__(self, missing: tuple[UnmetRequirement, ...]) -> None:
        super().__init__("\n".join(f"{result.about}: {result.found}; {result.advice}" for result in missing))
        self.missing = missing


class PortTaken(MachineError):
    """Another program listens on a port of the stack."""

    def __init__(self, port: int, needed_by: str, program: str) -> None:
        super().__init__(f"port {port}, which {needed_by} needs, is in use by {program}; stop that program and try again")
        self.port, self.needed_by, self.program = port, needed_by, program


class StackBusy(MachineError):
    """Another novaflow process holds the lock of the stack."""


class RunError(NovaflowError):
    """A step or a program failed."""

    exit_code = 3


class WorkflowFailed(RunError):
    """Some nodes of a workflow failed; the exit code is that of a usage or machine error if all of them failed with one."""

    def __init__(self, workflow: str, failures: Mapping[str, NovaflowError]) -> None:
        super().__init__(f"{workflow} failed: {', '.join(failures)}")
        self.failures, self.nodes = failures, tuple(failures)
        for kind in (UsageError, MachineError):
            if all(isinstance(error, kind) for error in failures.values()):
                self.exit_code = kind.exit_code


class NodesFailed(RunError):
    """Steps or services failed in the supervisor; the message has the reason of each."""

    def __init__(self, message: str, nodes: Iterable[str]) -> None:
        super().__init__(message)
        self.nodes = tuple(nodes)


class StepFailed(RunError):
    """The body of a step failed; the message names the expected and the found value."""


class ProgramFailed(RunError):
    """A program exited with an unexpected exit code."""

    def __init__(self, program: str, exit_code: int, log_tail: str) -> None:
        super().__init__(f"{program} exited with {exit_code}")
        self.program, self.returncode, self.log_tail = program, exit_code, log_tail


class ServiceExited(RunError):
    """A service exited while it was needed.

    A negative ``returncode`` is the number of the signal that killed it. It is ``None`` for an adopted program, and for one
    that an adopted fork server has started: the kernel reports the exit code to the parent only.
    """

    def __init__(self, name: str, returncode: int | None, log_tail: str) -> None:
        if returncode is None:
            how = "exited; its exit code is unknown"
        else:
            how = f"was killed by signal {-returncode}" if returncode < 0 else f"exited with {returncode}"
        super().__init__(f"{name} {how}")
        self.name, self.returncode, self.log_tail = name, returncode, log_tail


class ServiceUnresponsive(RunError):
    """A service runs but failed ``failures`` checks in a row."""

    def __init__(self, name: str, failures: int) -> None:
        super().__init__(f"{name} did not answer {failures} checks in a row")
        self.name, self.failures = name, failures


class SupervisorUnresponsive(RunError):
    """The supervisor of a stack runs but does not answer; ``pid`` is ``None`` if it is unknown."""

    def __init__(self, pid: int | None, socket: Path, within_s: float) -> None:
        who = "the supervisor" if pid is None else f"the supervisor (pid {pid})"
        kill = "end it with SIGKILL" if pid is None else f"end it with `kill -9 {pid}`"
        super().__init__(
            f"{who} does not answer on {socket} within {within_s:g} s; the services continue; if it stays so, {kill},"
            " then adopt the services with `novaflow up`"
        )
        self.pid, self.socket, self.within_s = pid, socket, within_s


class NotReady(NovaflowError):
    """A service did not become ready in time; ``answer`` is the last answer of its probe."""

    exit_code = 4

    def __init__(self, name: str, within_s: float, answer: str, log_tail: str = "") -> None:
        super().__init__(f"{name} not ready after {within_s:g} s: {answer}")
        self.name, self.within_s, self.answer, self.log_tail = name, within_s, answer, log_tail


class OutputClosed(NovaflowError):
    """The program that reads the output, such as `head`, has ended; what the command does is done.

    The exit code is the one that a shell reports for a program that SIGPIPE ended.
    """

    exit_code = 128 + signal.SIGPIPE


class Interrupted(NovaflowError):
    """A signal stopped the command after a complete clean-up; the exit code is 128 plus the signal's number."""

    def __init__(self, number: int) -> None:
        super().__init__("interrupted; everything was stopped")
        self.exit_code = 128 + number
