"""What a service or a step is, what it waits for, and how it failed last."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from textwrap import wrap

from novaflow.adapters.storage import read_journal
from novaflow.events.types import ServiceChanged, ServiceState, StepChanged, StepState, WorkflowChanged, WorkflowState
from novaflow.model.config_file import ConfigFile
from novaflow.model.probe import FunctionProbe, Probe
from novaflow.model.service import Service
from novaflow.plan.compile import find_services
from novaflow.plan.graph import Graph, Node
from novaflow.runtime.stack import Stack

READY = {ServiceState.READY, StepState.SUCCEEDED, StepState.SKIPPED}
FAILED = {ServiceState.FAILED, ServiceState.EXITED, StepState.FAILED}
INDENT = 14  # of what is shown, in columns
WORKFLOWS = ("run", "install")  # the first that has the node


@dataclass(frozen=True, slots=True)
class Explanation:
    """A service or a step. ``waits_for`` are those of its needs that are not ready; ``failure`` is the last one, with its time."""

    name: str
    summary: str
    component: str
    workflow: str
    state: str
    reason: str
    needs: tuple[str, ...]
    waits_for: tuple[str, ...]
    needed_by: tuple[str, ...]
    ready_when: str
    within_s: float
    address: str
    command: tuple[str, ...]
    configuration: tuple[str, ...]
    log: str
    failure: str
    log_tail: str

    def lines(self, width: int) -> Iterator[str]:
        """Yield the lines that a terminal of this width shows, without what is empty."""
        yield from wrap(f"{self.name}: {self.summary}", width)
        shown = {
            "state": self.reason if self.reason.startswith(self.state) else ": ".join(filter(None, (self.state, self.reason))),
            "waits for": ", ".join(self.waits_for),
            "component": f"{self.component}, in the workflow {self.workflow}",
            "needs": ", ".join(self.needs),
            "needed by": ", ".join(self.needed_by),
            "ready when": self.ready_when,
            "time": f"{self.within_s:g} s",
            "address": self.address,
            "command": " ".join(self.command),
            "files": ", ".join(self.configuration),
            "log": self.log,
            "failure": self.failure,
        }
        for title, text in shown.items():
            lines = [part for line in text.splitlines() for part in _wrap(line, width - INDENT)]
            yield from (f"  {title if number == 0 else '':<{INDENT - 3}} {line}" for number, line in enumerate(lines))
        yield from (f"    {line}" for line in self.log_tail.splitlines())


def _wrap(line: str, width: int) -> list[str]:
    # Names and paths stay whole, so that they can be copied.
    return wrap(line, width, break_long_words=False, break_on_hyphens=False)


def explain(stack: Stack, name: str) -> tuple[Explanation, ...]:
    """Return the explanation of a node, or those of the services of a component.

    Raises: ComponentUnknown, with the closest name; UsageError, if the component has no service; PermissionError, if this user may
    not see the stack.
    """
    graph, names = _find_nodes(stack, name)
    history = _read_history(stack)
    return tuple(_explain(stack, graph, graph.nodes[node], history) for node in names)


def _find_nodes(stack: Stack, name: str) -> tuple[Graph, tuple[str, ...]]:
    graphs = [stack.graph(workflow) for workflow in WORKFLOWS if workflow in stack.found.workflows]
    for graph in graphs:
        if name in graph.nodes:
            return graph, (name,)
    return graphs[0], find_services(name, graphs[0], stack.components)


@dataclass(frozen=True, slots=True)
class _History:
    """The last event of each node in the last execution of its workflow, and the last failure of each node."""

    latest: Mapping[str, ServiceChanged | StepChanged]
    failures: Mapping[str, tuple[datetime, ServiceChanged | StepChanged]]

    def is_ready(self, name: str) -> bool:
        """Return whether what needs the node can start."""
        return name in self.latest and self.latest[name].state in READY


def _read_history(stack: Stack) -> _History:
    latest: dict[str, ServiceChanged | StepChanged] = {}
    failures: dict[str, tuple[datetime, ServiceChanged | StepChanged]] = {}
    for record in read_journal(stack.paths.journal):
        match record.event:
            case WorkflowChanged(state=WorkflowState.STARTED, name=workflow):
                latest = {name: event for name, event in latest.items() if event.workflow != workflow}
            case ServiceChanged() | StepChanged() as event:
                latest[event.name] = event
                if event.state in FAILED:
                    failures[event.name] = record.time, event
            case _:
                pass
    return _History(latest, failures)


def _explain(stack: Stack, graph: Graph, node: Node, history: _History) -> Explanation:
    event, part = history.latest.get(node.name), node.part
    failed_at, failed = history.failures.get(node.name, (None, None))
    is_waiting = event is None or event.state not in {*READY, ServiceState.STOPPED}
    return Explanation(
        name=node.name,
        summary=part.summary,
        component=node.component,
        workflow=graph.workflow,
        state=str(event.state) if event else "not started",
        reason=event.reason if event else "",
        needs=tuple(sorted(node.needs)),
        waits_for=tuple(sorted(name for name in node.needs if not history.is_ready(name))) if is_waiting else (),
        needed_by=tuple(sorted(graph.dependents[node.name])),
        ready_when=_describe_probe(part.ready) if isinstance(part, Service) else "",
        within_s=part.within_s,
        address=f"{stack.settings.local_ip}:{part.port}" if isinstance(part, Service) and part.port else "",
        command=_read_command(event.pid) if isinstance(event, ServiceChanged) and event.state not in FAILED and event.pid else (),
        configuration=tuple(_find_configuration(stack, node)),
        log=str(path) if (path := stack.paths.log / f"{node.name}.log").exists() else "",
        failure=f"{failed_at:%Y-%m-%d %H:%M:%S} UTC: {failed.reason}" if failed else "",
        log_tail=(failed.log_tail or "") if failed else "",
    )


def _describe_probe(probe: Probe) -> str:
    return (
        probe.description if isinstance(probe, FunctionProbe) else f"GET {probe.path} answers with {' or '.join(map(str, probe.statuses))}"
    )


def _read_command(pid: int) -> tuple[str, ...]:
    """Return the argv of a process; empty if it has ended, or if this user may not see it."""
    try:
        return tuple(Path("/proc", str(pid), "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0"))
    except OSError:
        return ()


def _find_configuration(stack: Stack, node: Node) -> Iterator[str]:
    """Yield the configuration files of the node's component, and of those whose files it needs."""
    owners = {node.component, *(name.removesuffix(".configure") for name in node.needs if name.endswith(".configure"))}
    files = (declared for one in stack.components if one.name in owners for declared in one.declares if isinstance(declared, ConfigFile))
    yield from (str(stack.paths.etc / each.file) for each in files)
