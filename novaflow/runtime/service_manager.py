"""Reports the state of a stack to the service manager that started its supervisor."""

from novaflow.adapters.init_system import ServiceManager
from novaflow.events.record import EventRecord
from novaflow.events.types import StackChanged, StackState

NO_SERVICE_MANAGER = ServiceManager()


def describe_service_manager(socket: str, watchdog_us: int | None) -> ServiceManager:
    """Return the service manager with that socket, whose watchdog waits that many microseconds; ``None`` means it has none."""
    return ServiceManager(socket, watchdog_us / 1_000_000 if watchdog_us else None)


def report_state(service_manager: ServiceManager, record: EventRecord) -> None:
    """Report a change of the stack's state; other events are ignored."""
    if not isinstance(record.event, StackChanged):
        return
    first_line = record.event.reason.partition("\n")[0]
    status = f"{record.event.state}: {first_line}"
    match record.event.state:
        case StackState.READY | StackState.DEGRADED:  # a start that adopts services may end degraded
            service_manager.report_ready(status)
        case StackState.STOPPING | StackState.FAILED:
            service_manager.report_stopping(status)
        case _:
            service_manager.report_status(status)
