"""Starts, stops and restarts services through the supervisor."""

from novaflow.adapters.control.client import ControlClient
from novaflow.errors import NodesFailed
from novaflow.plan.commands import ServiceCommand
from novaflow.runtime.display import Display
from novaflow.runtime.show_events import show_events
from novaflow.runtime.stack import Stack
from novaflow.runtime.status import query_supervisor

__all__ = ["ServiceCommand", "control_services"]


async def control_services(stack: Stack, command: ServiceCommand, name: str, display: Display) -> None:
    """Start, stop or restart the services called ``name``; return when they are ready or down.

    Raises: UsageError, if no service has that name or the stack is not up; SupervisorUnresponsive; NodesFailed, with each failed
    service and the reason.
    """
    stack.find_services(name)  # reports a wrong name even if the stack is not up
    await query_supervisor(stack)  # a supervisor that hangs would not answer the command, which has no short limit
    async with show_events(stack.paths.journal, display.show):
        failures = await ControlClient(stack.paths.control).send_service_command(command, name)
    if failures:
        message = "\n".join(f"{command} of {service} failed: {reason}" for service, reason in failures.items())
        raise NodesFailed(message, failures)
