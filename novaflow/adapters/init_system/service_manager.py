"""Reports the state of the supervisor to the service manager that started it, such as systemd. Source: sd_notify(3)."""

import socket
from dataclasses import dataclass

import anyio
import structlog

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """The service manager that listens on the datagram socket ``address``; with an empty one there is none.

    It expects a keep-alive message at least every ``watchdog_s`` seconds; ``None`` means that it expects none.
    """

    address: str = ""
    watchdog_s: float | None = None

    def report_ready(self, status: str) -> None:
        """Report that the start is complete."""
        self._send("READY=1", f"STATUS={status}")

    def report_stopping(self, status: str) -> None:
        """Report that the stop has begun."""
        self._send("STOPPING=1", f"STATUS={status}")

    def report_status(self, status: str) -> None:
        """Report the state in one line, for operators."""
        self._send(f"STATUS={status}")

    async def send_keep_alives(self) -> None:
        """Send them until cancelled; they cease when the event loop hangs."""
        while self.watchdog_s is not None:
            self._send("WATCHDOG=1")
            await anyio.sleep(self.watchdog_s / 2)  # as sd_watchdog_enabled(3) recommends

    def _send(self, *assignments: str) -> None:
        if not self.address:
            return
        # A leading @ stands for the abstract namespace. Source: sd_notify(3), unix(7)
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC) as sender:
                sender.sendto("\n".join(assignments).encode(), address)
        except OSError as error:
            # The next one may arrive; a missing READY=1 makes the service manager restart the supervisor.
            log.warning("service_manager.unreachable", address=self.address, reason=str(error))
