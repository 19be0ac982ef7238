"""Every error novaflow raises, as one tree.

NovaflowError
├── UsageError              what was asked for makes no sense; nothing was touched
│   ├── SettingsInvalid     a setting, or the file it stands in, is wrong
│   └── ComponentUnknown    a name that no component has
├── WorkflowError           the author of workflows/ must change something
│   ├── ComponentBroken     a file there cannot be loaded, or is not a component
│   ├── DependencyCycle     needs that lead back to themselves
│   ├── NameShared          two steps or services that have one name
│   ├── NeedUnknown         a need that names nothing
│   └── PortShared          two services that want one port
├── MachineError            this machine cannot do it; `doctor` says what is missing
│   ├── MachineUnfit        what a look before the start found
│   ├── PortTaken           somebody else listens there
│   └── StackBusy           another novaflow is at work on the same stack
├── RunError                a program or a step refused while it ran
│   ├── WorkflowFailed      some of a workflow's nodes did
│   ├── StepFailed          a step's body gave up
│   ├── ProgramFailed       a program ended with another exit code than 0
│   └── ServiceExited       a service ended while it was needed
├── NotReady                not ready within the time asked for
└── Interrupted             a signal asked us to stop, and everything was
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from novaflow.model.check import CheckResult


class NovaflowError(Exception):
    """Anything novaflow says instead of a traceback."""

    exit_code = 1


class UsageError(NovaflowError):
    """What was asked for makes no sense; nothing was touched."""

    exit_code = 2


class SettingsInvalid(UsageError):
    """A setting, or the file it stands in, is wrong."""


class ComponentUnknown(UsageError):
    """A name that is neither a component's nor one of nova.sh's."""

    def __init__(self, name: str, suggestion: str | None) -> None:
        hint = f"; did you mean {suggestion!r}?" if suggestion else ""
        super().__init__(f"there is no component {name!r}{hint}")
        self.name, self.suggestion = name, suggestion


class WorkflowError(NovaflowError):
    """The author of ``workflows/`` must change something; running again cannot help."""

    exit_code = 2


class ComponentBroken(WorkflowError):
    """A file in ``workflows/`` cannot be loaded, or is not a component."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path


class DependencyCycle(WorkflowError):
    """Needs that lead back to themselves; ``walk`` starts and ends with the same node."""

    def __init__(self, walk: tuple[str, ...]) -> None:
        super().__init__(f"these need each other in a circle: {' -> '.join(walk)}")
        self.walk = walk


class NameShared(WorkflowError):
    """Two steps or services of one workflow that have the same name."""

    def __init__(self, name: str, first: str, second: str) -> None:
        where = f"twice in {first}" if first == second else f"in {first} and in {second}"
        super().__init__(f"there is a {name!r} {where}; give one of them another name")
        self.name = name


class NeedUnknown(WorkflowError):
    """A need that names neither a node nor a component."""

    def __init__(self, node: str, need: str, suggestion: str | None) -> None:
        hint = f"; did you mean {suggestion!r}?" if suggestion else ""
        super().__init__(f"{node} needs {need!r}, which does not exist{hint}")
        self.node, self.need, self.suggestion = node, need, suggestion


class PortShared(WorkflowError):
    """Two services of one workflow that want the same port."""

    def __init__(self, port: int, first: str, second: str) -> None:
        super().__init__(f"{first} and {second} both want port {port}; give one of them another")
        self.port = port


class MachineError(NovaflowError):
    """This machine cannot do it as it is."""

    exit_code = 5


class MachineUnfit(MachineError):
    """What a look at the machine found missing, before anything was touched."""

    def __init__(self, missing: "tuple[CheckResult, ...]") -> None:
        super().__init__("\n".join(f"{result.about}: {result.found}; {result.advice}" for result in missing))
        self.missing = missing


class PortTaken(MachineError):
    """Somebody else listens on a port the stack needs."""

    def __init__(self, port: int, wanted_by: str, owner: str) -> None:
        super().__init__(f"port {port}, which {wanted_by} needs, is taken by {owner}; stop that program and try again")
        self.port, self.wanted_by, self.owner = port, wanted_by, owner


class StackBusy(MachineError):
    """Another novaflow is at work on the same stack."""


class RunError(NovaflowError):
    """A program or a step refused while it ran."""

    exit_code = 3


class WorkflowFailed(RunError):
    """Some of a workflow's nodes failed; it is the user's or the machine's fault if it is for all of them."""

    def __init__(self, workflow: str, failures: "Mapping[str, NovaflowError]") -> None:
        super().__init__(f"{workflow} failed: {', '.join(failures)}")
        self.failures = failures
        for kind in (UsageError, MachineError):
            if all(isinstance(error, kind) for error in failures.values()):
                self.exit_code = kind.exit_code


class StepFailed(RunError):
    """A step's body gave up; the message says what was expected and what was found."""


class ProgramFailed(RunError):
    """A program ended with another exit code than 0."""

    def __init__(self, program: str, exit_code: int, last_lines: str) -> None:
        super().__init__(f"{program} ended with exit code {exit_code}" + (f":\n{last_lines}" if last_lines else ""))
        self.program, self.returncode, self.last_lines = program, exit_code, last_lines


class ServiceExited(RunError):
    """A service ended while it was needed."""

    def __init__(self, name: str, returncode: int | None, last_lines: str) -> None:
        how = f"was ended by signal {-returncode}" if returncode is not None and returncode < 0 else f"exited with {returncode}"
        super().__init__(f"{name} {how}" + (f"; its last lines:\n{last_lines}" if last_lines else ""))
        self.name, self.returncode, self.last_lines = name, returncode, last_lines


class NotReady(NovaflowError):
    """Something did not become ready within the time asked for."""

    exit_code = 4

    def __init__(self, name: str, within_s: float, answer: str) -> None:
        super().__init__(f"{name} not ready after {within_s:g} s: {answer}")
        self.name, self.within_s, self.answer = name, within_s, answer


class Interrupted(NovaflowError):
    """A signal asked us to stop, and everything was; the exit code is 128 and its number."""

    def __init__(self, number: int) -> None:
        super().__init__("interrupted; nothing was left running")
        self.exit_code = 128 + number
