"""A stack of toy components, for tests of commands and of the runtime that start no supervisor."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from novaflow.adapters.storage import Journal, read_journal
from novaflow.cli.next_steps import find_program
from novaflow.events.record import EventRecord
from novaflow.events.types import Event, ServiceChanged, ServiceState, StackChanged, StackState, StepChanged, StepState
from novaflow.model.paths import Paths
from novaflow.runtime.stack import Stack, open_stack

RUN_WORKFLOW = """
from novaflow.model.workflow import Workflow

WORKFLOW = Workflow("run", "Everything.", stays=True)
"""
STEPS = """
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import step


@step(within_s=1)
async def create(_: Context) -> None:
    \"\"\"Create it.\"\"\"


@step(within_s=1, needs=("toy.create",))
async def use(_: Context) -> None:
    \"\"\"Use it.\"\"\"


COMPONENT = Component("toy", "A toy.", {"run": (create, use)})
"""
SERVICES = """
from novaflow.model.component import Component
from novaflow.model.probe import HttpProbe
from novaflow.model.service import Service

WEB = Service("web", "A web server.", lambda _: ("true",), HttpProbe(PORT), port=PORT)
WORKER = Service("web-worker", "Its worker.", lambda _: ("true",), HttpProbe(PORT), needs=("web",))
COMPONENT = Component("web", "A web server and its worker.", {"run": (WEB, WORKER)}, aliases=("httpd",))
"""
STEP = """
from novaflow.errors import StepFailed, UsageError
from novaflow.model.component import Component
from novaflow.model.step import Skipped, step


@step(within_s=5)
async def body(ctx):
    \"\"\"Do it.\"\"\"
    BODY


COMPONENT = Component("COMPONENT_NAME", "A toy.", {"WORKFLOW_NAME": (body,)})
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code and what it printed."""

    code: int
    out: str
    err: str


Novaflow = Callable[..., Ended]  # the command line, called with its arguments


def describe_failure(workflow: str, node: str) -> str:
    """Return what a command prints when a node of the stack in the current folder has failed: the last line is the next command."""
    return (
        f"novaflow: {workflow} failed: {node}\n\n  {find_program()} explain {node}    shows what it waits for, its log and how it failed\n"
    )


class ToyStack:
    """A folder of workflows and the folder of a stack, both in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "nova"
        # A package is imported once in a process: each test has one of its own name.
        self.workflows = folder / folder.name
        (self.workflows / "components").mkdir(parents=True)
        self.write("run.py", RUN_WORKFLOW)
        self.write("components/toy.py", STEPS)

    @property
    def paths(self) -> Paths:
        """Return the paths of the stack."""
        return Paths(self.root)

    def write(self, name: str, text: str) -> None:
        """Write a file of the folder of workflows."""
        (self.workflows / name).write_text(text)

    def add_workflow(self, name: str, arguments: str = "") -> None:
        """Add a workflow; ``arguments`` are further ones of the class Workflow."""
        self.write(f"{name}.py", f'from novaflow.model.workflow import Workflow\n\nWORKFLOW = Workflow("{name}", "A toy.", {arguments})\n')

    def add_step(self, workflow: str, body: str, *, component: str = "extra") -> None:
        """Add a component with one step, `COMPONENT.body`, whose body is ``body``, and its workflow unless that exists."""
        if not (self.workflows / f"{workflow}.py").exists():
            self.add_workflow(workflow)
        text = STEP.replace("BODY", body).replace("COMPONENT_NAME", component).replace("WORKFLOW_NAME", workflow)
        self.write(f"components/{component}.py", text)

    def add_services(self, port: int = 9) -> None:
        """Add a component with two services, `web`, which listens on ``port``, and `web-worker`; they are never started."""
        self.write("components/web.py", SERVICES.replace("PORT", str(port)))

    def add_check(self, severity: str) -> None:
        """Add a component with one check of the machine, which always has this result."""
        text = """
from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component


def memory(_, __):
    return CheckResult("memory", Severity.NAME, "1 GiB", "4 GiB are needed")


COMPONENT = Component("checked", "A toy with a check.", checks=(memory,))
"""
        self.write("components/checked.py", text.replace("NAME", severity))

    def open(self, **overrides: str) -> Stack:
        """Return the stack."""
        return open_stack(self.root, {"NOVAFLOW_WORKFLOWS": str(self.workflows), **overrides})

    def append(self, *events: Event, run_id: str = "r1") -> None:
        """Append events to the stack's journal."""
        self.root.mkdir(exist_ok=True)
        journal = Journal(self.paths.journal, source=f"/novaflow/{os.uname().nodename}/nova")
        for event in events:
            journal.append(event, run_id)
        journal.close()

    def crash(self) -> None:
        """Leave what a supervisor leaves that was killed when the stack was ready."""
        self.append(stack_is(StackState.STARTING), service_is("web", ServiceState.READY), stack_is(StackState.READY))
        self.paths.run.mkdir(exist_ok=True)
        self.paths.lock.write_text("`novaflow run`, pid 4711\n")
        (self.paths.run / "token").write_text("a token")

    @property
    def records(self) -> Sequence[EventRecord]:
        """Return every event of the stack's journal."""
        return [*read_journal(self.paths.journal)]


def stack_is(state: StackState, reason: str = "a reason") -> StackChanged:
    """Return a change of the stack's state."""
    return StackChanged(name="nova", state=state, reason=reason, duration_s=61.2 if state is StackState.READY else None)


def service_is(name: str, state: ServiceState, reason: str = "a reason") -> ServiceChanged:
    """Return a change of a service's state."""
    return ServiceChanged(name=name, state=state, workflow="run", component=name, reason=reason)


def step_is(name: str, state: StepState, reason: str = "a reason", workflow: str = "run") -> StepChanged:
    """Return a change of a step's state."""
    return StepChanged(name=name, state=state, workflow=workflow, component=name.partition(".")[0], reason=reason)
