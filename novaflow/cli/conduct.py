"""Runs workflows of a stack in this process."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType

from novaflow.adapters.belongings import used_processor_s
from novaflow.adapters.context import Machine, Report
from novaflow.adapters.http import HttpClient
from novaflow.adapters.journal import Journal, read_journal
from novaflow.adapters.process import watching_without_threads
from novaflow.adapters.runner import MachineRunner
from novaflow.adapters.secrets import Secrets
from novaflow.cli.stack import Stack
from novaflow.engine.bus import EventBus, Sink
from novaflow.engine.engine import Engine, Outcome
from novaflow.model.event import ServiceChanged
from novaflow.plan.durations import last_durations
from novaflow.plan.lanes import lane_widths
from novaflow.plan.plan import Plan

NOTHING: Mapping[str, str] = MappingProxyType({})
LOOK_BACK = 5000  # events; a run tells about 200, so this is what the last twenty runs took


@dataclass(frozen=True, slots=True)
class Conductor:
    """What conducts this stack's workflows: the journal, those who listen to it, and the machine."""

    stack: Stack
    journal: Journal
    machine: Machine
    sinks: Sequence[Sink]

    def bus(self, run_id: str) -> EventBus:
        """Return where the events of one run are told."""
        return EventBus(self.journal, run_id, self.sinks)

    def engine(
        self,
        name: str,
        run_id: str,
        *,
        on_up: Callable[[float], None] = lambda _: None,
        on_service: Callable[[ServiceChanged], None] = lambda _: None,
    ) -> Engine:
        """Return an engine ready to conduct that workflow.

        Raises: WorkflowError, if its parts do not fit together.
        """
        recent = read_journal(self.stack.paths.journal, after=max(0, self.journal.sequence - LOOK_BACK))
        plan = Plan(
            self.stack.graph(name),
            lanes=lane_widths(self.stack.settings.novaflow_jobs),
            durations_s=last_durations(recorded.event for recorded in recent),
            stays=self.stack.workflow(name).stays,
        )
        return Engine(plan, MachineRunner(self.machine), self.bus(run_id), on_up=on_up, on_service=on_service, processor_s=used_processor_s)

    async def conduct(self, name: str) -> Outcome:
        """Run that workflow to its end."""
        return await self.engine(name, new_run_id()).conduct()


def new_run_id() -> str:
    """Return a name for one execution of a workflow."""
    return secrets.token_hex(8)


async def drain_nothing(_: float) -> bool:
    """Wait for no broker: in this process nobody publishes; events wait in the journal."""
    return False


@asynccontextmanager
async def conducting(
    stack: Stack,
    sinks: Sequence[Sink],
    report: Report,
    drain_events: Callable[[float], Awaitable[bool]] = drain_nothing,
    asked: Mapping[str, str] = NOTHING,
) -> AsyncIterator[Conductor]:
    """Open what conducts the stack's workflows; whoever does holds the stack's lock.

    Raises: MachineError, if the journal cannot be written.
    """
    for folder in (stack.paths.etc, stack.paths.log, stack.paths.data, stack.paths.run):
        folder.mkdir(parents=True, exist_ok=True)
    stack.paths.credentials.mkdir(mode=0o700, exist_ok=True)
    journal = Journal(stack.paths.journal, source=stack.source)
    client = HttpClient()
    try:
        machine = Machine(
            stack.settings,
            stack.paths,
            stack.components,
            Secrets(stack.paths.credentials / "secrets.json"),
            client,
            report,
            drain_events,
            asked=asked,
        )
        with watching_without_threads():
            yield Conductor(stack, journal, machine, sinks)
    finally:
        await client.aclose()
        journal.close()
