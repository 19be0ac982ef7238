"""Fork servers: processes that import the modules of a project once, and fork its services and their privileged helpers.

Importing takes most of the processor time of a start, and the memory of what is imported is shared. Projects have a server each,
because options of oslo.config with the same name collide in one process.
"""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from novaflow.model.context import Context
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.service import Service, fork_socket
from novaflow.model.settings import Settings
from novaflow.model.step import Step, step
from workflows.services.oslo.settings import OsloSettings

_SERVER = Path(__file__).with_name("fork_server.py")
_CLIENT = Path(__file__).with_name("fork_client.py")

# Drivers and libraries that services of every project load after their own modules.
LOADED_LATER = (
    "amqp",
    "gunicorn.app.wsgiapp",
    "gunicorn.workers.gthread",
    "kombu.transport.pyamqp",
    "oslo_privsep.daemon",
    "pymysql",
)


def is_forking(settings: Settings) -> bool:
    """Return whether services are forked."""
    return settings.of(OsloSettings).novaflow_fork


@dataclass(frozen=True, slots=True)
class ForkServer:
    """The fork server of a project.

    It imports ``modules`` and forks; ``env`` is what they read while they are imported. A module that a program imports after it
    has read its configuration must not read options while it is imported: here, they have their defaults. The modules ``repeated``
    read the arguments of the process, and are executed again for each program.
    """

    project: str
    modules: tuple[str, ...]
    repeated: tuple[str, ...] = ()
    env: Callable[[Context], Mapping[str, str]] | None = None

    @property
    def name(self) -> str:
        """Return the name of its service."""
        return f"{self.project}-fork-server"

    def service(self) -> Service:
        """Return its service. Others do not need it: without it they start alone."""
        return Service(
            name=self.name,
            summary=f"Imports {self.project} once, and forks its services.",
            command=self._command,
            env=self.env,
            ready=FunctionProbe(self._send_request, "answers a request"),
            within_s=120,
            when=is_forking,
        )

    def step(self) -> Step:
        """Return the step that waits until the modules are imported, which services start after."""

        async def modules(ctx: Context) -> str:
            """Wait until the modules of the services are imported."""
            return await ctx.wait(lambda: self._send_request(ctx), within_s=120)

        return step(within_s=130, when=is_forking)(modules)

    def fork(self, service: Service) -> Service:
        """Return the service as one that this server starts, if settings do not forbid it."""
        return replace(service, fork_server=self.name, after=(*service.after, f"{self.project}.modules"))

    def _command(self, ctx: Context) -> tuple[str | Path, ...]:
        names = (",".join(self.modules), ",".join(self.repeated))
        return (ctx.paths.venv / "bin" / "python", "-P", _SERVER, fork_socket(ctx.paths, self.name), *names)

    async def _send_request(self, ctx: Context) -> str:
        try:
            async with await anyio.connect_unix(fork_socket(ctx.paths, self.name)) as stream:
                await stream.send(b"{}\n")
                await stream.receive()
                return "it has answered a request"
        except (OSError, anyio.EndOfStream, anyio.BrokenResourceError) as error:
            raise NotYet(f"no answer: {type(error).__name__}: {error}") from error


def helper_command(ctx: Context, server: ForkServer | None, *argv: str | Path) -> str:
    """Return the command that runs a privileged helper, in a process of the fork server if there is one."""
    client: tuple[str | Path, ...] = ()
    if server and is_forking(ctx.settings):
        client = (ctx.paths.venv / "bin" / "python", "-S", "-E", "-P", _CLIENT, fork_socket(ctx.paths, server.name))
    return shlex.join(map(str, (*client, *argv)))
