"""What the engine needs from the outside."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from novaflow.errors import ServiceExited
from novaflow.events.types import Event
from novaflow.model.service import Service
from novaflow.model.step import Skipped, Step
from novaflow.plan.graph import Node


class Program(Protocol):
    """A service that was started and has not been stopped."""

    @property
    def pid(self) -> int:
        """Return the process id."""
        ...

    async def wait_ready(self) -> str:
        """Wait until the service answers its probe, and return what it answered.

        Raises: ServiceExited, at once, if it dies before; NotReady, when its time is over.
        """
        ...

    async def wait_exit(self) -> ServiceExited:
        """Wait until the program ends by itself, and return how."""
        ...


class Runner(Protocol):
    """Where steps are done and services kept up: this machine, or one day another."""

    async def do(self, node: Node, step: Step) -> Skipped | str | None:
        """Do the step; no longer than its limit.

        Raises: RunError or MachineError, saying what was expected and what was found.
        """
        ...

    def running(self, node: Node, service: Service) -> AbstractAsyncContextManager[Program]:
        """Run the service as long as the block lasts; when it ends, nothing of the service is left."""
        ...


class Bus(Protocol):
    """Where changes of state are told; never waits for those who listen."""

    def publish(self, event: Event) -> None:
        """Make the event known."""
        ...
