"""The interfaces that the engine needs."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from novaflow.errors import ServiceExited
from novaflow.events.types import Event
from novaflow.model.service import Service
from novaflow.model.step import Skipped, Step
from novaflow.plan.graph import Node


class Program(Protocol):
    """The running program of a service."""

    @property
    def pid(self) -> int:
        """Return the process id."""
        ...

    async def wait_ready(self) -> str:
        """Wait until the readiness probe succeeds, and return its answer.

        Raises: ServiceExited, as soon as the program exits; NotReady, after the time limit of the service.
        """
        ...

    @property
    def adopted(self) -> bool:
        """Return whether the program already ran, started by an earlier supervisor."""
        ...

    async def check(self, timeout_s: float) -> str:
        """Probe the service once and return its answer.

        Raises: NotReady, if it does not answer within ``timeout_s``, or not as expected.
        """
        ...

    def is_suspended(self) -> bool:
        """Return whether a signal has suspended the program."""
        ...

    async def wait_exit(self) -> ServiceExited:
        """Wait until the program exits, and return how it exited."""
        ...


class Runner(Protocol):
    """Runs steps and services, on this machine or on another."""

    async def run_step(self, node: Node, step: Step) -> Skipped | str | None:
        """Run the step within its time limit.

        Raises: RunError or MachineError, with the expected and the found value.
        """
        ...

    def run_service(self, node: Node, service: Service) -> AbstractAsyncContextManager[Program]:
        """Run the service for the duration of the block; afterwards no process of the service is left."""
        ...


class Bus(Protocol):
    """Publishes changes of state without waiting for subscribers."""

    def publish(self, event: Event) -> None:
        """Publish the event."""
        ...
