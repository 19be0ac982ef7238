"""Runs the workflows of a stack in this process."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Self

from novaflow.adapters.http import HttpClient
from novaflow.adapters.local import LocalRunner, Report, StackResources
from novaflow.adapters.process import set_descriptor_limit, used_processor_s, watching_without_threads
from novaflow.adapters.storage import Journal, Secrets, compact_journal, read_cursor, read_journal
from novaflow.engine.bus import EventBus, Sink
from novaflow.engine.engine import Engine, Outcome
from novaflow.events.types import ServiceChanged
from novaflow.model.context import NO_ARGUMENTS
from novaflow.plan.durations import last_durations
from novaflow.plan.plan import Plan
from novaflow.plan.pools import pool_limits
from novaflow.runtime.group_access import make_folders, share_records
from novaflow.runtime.stack import Stack
from novaflow.settings import CoreSettings

LOOK_BACK = 5000  # events: about twenty runs, from which step durations are taken


@dataclass(frozen=True, slots=True)
class Orchestrator:
    """The journal, the event sinks and the resources that the workflows of one stack share."""

    stack: Stack
    journal: Journal
    resources: StackResources
    sinks: Sequence[Sink]

    def bus(self, run_id: str) -> EventBus:
        """Return the bus for the events of one run."""
        return EventBus(self.journal, run_id, self.sinks)

    def with_arguments(self, arguments: Mapping[str, str]) -> Self:
        """Return an orchestrator whose steps read these arguments in addition to settings."""
        return replace(self, resources=replace(self.resources, arguments=arguments))

    def engine(
        self,
        workflow: str,
        run_id: str,
        *,
        on_up: Callable[[float], None] = lambda _: None,
        on_service: Callable[[ServiceChanged], None] = lambda _: None,
        done: Collection[str] | None = None,
    ) -> Engine:
        """Return an engine that is ready to run the workflow; ``done`` are the steps of a run that is continued.

        Raises: UsageError, if there is no such workflow; WorkflowError, if its parts do not fit together.
        """
        recent = read_journal(self.stack.paths.journal, after=max(0, self.journal.sequence - LOOK_BACK))
        plan = Plan(
            self.stack.graph(workflow),
            pools=pool_limits(self.stack.settings.of(CoreSettings).novaflow_jobs),
            durations_s=last_durations(record.event for record in recent),
            stays=self.stack.workflow(workflow).stays,
            done=done,
        )
        runner = LocalRunner(self.resources)
        return Engine(plan, runner, self.bus(run_id), on_up=on_up, on_service=on_service, processor_s=used_processor_s)

    async def run(self, workflow: str) -> Outcome:
        """Run the workflow to its end."""
        return await self.engine(workflow, new_run_id()).run()


def new_run_id() -> str:
    """Return an identifier for one execution of a workflow."""
    return secrets.token_hex(8)


async def drain_nothing(_: float) -> bool:
    """Return at once: this process has no publisher, and its events stay in the journal until a supervisor publishes them."""
    return False


@asynccontextmanager
async def open_orchestrator(
    stack: Stack,
    sinks: Sequence[Sink],
    report: Report,
    drain_events: Callable[[float], Awaitable[bool]] = drain_nothing,
    arguments: Mapping[str, str] = NO_ARGUMENTS,
) -> AsyncIterator[Orchestrator]:
    """Open the orchestrator of a stack; the caller holds the stack's lock.

    ``sinks`` receive every event, ``report`` the progress of running steps. ``drain_events`` waits until the broker has
    confirmed all events. ``arguments`` are what steps read in addition to settings.

    Raises: MachineError, if the journal cannot be written.
    """
    set_descriptor_limit()
    group = stack.group
    make_folders(stack.paths, group)
    compact_journal(stack.paths.journal, published=read_cursor(stack.publish_cursor, stack.paths.journal))
    journal = Journal(stack.paths.journal, source=stack.source)
    share_records(stack.paths, group)
    client = HttpClient(authority=stack.paths.authority)
    try:
        resources = StackResources(
            stack.settings,
            stack.paths,
            stack.components,
            Secrets(stack.paths.secrets),
            client,
            report,
            drain_events,
            arguments=arguments,
            group=group,
        )
        with watching_without_threads():
            yield Orchestrator(stack, journal, resources, sinks)
    finally:
        await client.aclose()
        journal.close()
