"""Fork servers: processes that import the modules of a project once, and fork its services and their privileged helpers.

Importing takes most of the processor time of a start, and the memory of what is imported is shared. Projects have a server each,
because options of oslo.config with the same name collide in one process.
"""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import anyio

from novaflow.model.context import Context
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.service import Service, fork_socket
from novaflow.model.settings import Settings
from workflows.services.oslo.settings import OsloSettings

_SERVER = Path(__file__).with_name("fork_server.py")
_CLIENT = Path(__file__).with_name("fork_client.py")

# Drivers and libraries that services of every project load after their own modules.
LOADED_LATER = (
    "amqp",
    "gunicorn.app.wsgiapp",
    "gunicorn.workers.gthread",
    "kombu.transport.pyamqp",
    "oslo_messaging._drivers.impl_rabbit",
    "oslo_privsep.daemon",
    "pymysql",
)


def is_forking(settings: Settings) -> bool:
    """Return whether services are forked."""
    return settings.of(OsloSettings).novaflow_fork


def fork_server(name: str, summary: str, modules: tuple[str, ...], env: Callable[[Context], Mapping[str, str]] | None = None) -> Service:
    """Return the service that imports ``modules`` and forks; ``env`` is what they read while they are imported.

    A module that a program imports after it has read its configuration must not read options while it is imported: here, they have
    their defaults.
    """

    async def send_request(ctx: Context) -> str:
        try:
            async with await anyio.connect_unix(fork_socket(ctx.paths, name)) as stream:
                await stream.send(b"{}\n")
                await stream.receive()
                return "it has answered a request"
        except (OSError, anyio.EndOfStream, anyio.BrokenResourceError) as error:
            raise NotYet(f"no answer: {type(error).__name__}: {error}") from error

    return Service(
        name=name,
        summary=summary,
        command=lambda ctx: (ctx.paths.venv / "bin" / "python", "-P", _SERVER, fork_socket(ctx.paths, name), *modules),
        env=env,
        ready=FunctionProbe(send_request, "answers a request"),
        within_s=120,
        when=is_forking,
    )


def forked(service: Service, server: str) -> Service:
    """Return the service as one that the fork server of that name starts, if settings do not forbid it."""
    return replace(service, fork_server=server, after=(*service.after, server))


def helper_command(ctx: Context, server: str | None, *argv: str | Path) -> str:
    """Return the command that runs a privileged helper, in a process of the fork server if there is one."""
    client: tuple[str | Path, ...] = ()
    if server and is_forking(ctx.settings):
        client = (ctx.paths.venv / "bin" / "python", "-S", "-E", "-P", _CLIENT, fork_socket(ctx.paths, server))
    return shlex.join(map(str, (*client, *argv)))
