"""APIs that are WSGI applications; gunicorn serves each of them."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from novaflow.model.context import Context
from novaflow.model.probe import HttpProbe, Probe
from novaflow.model.service import Service
from workflows.infra.database.settings import DatabaseSettings
from workflows.services.oslo.forking import ForkServer


@dataclass(frozen=True, slots=True)
class WsgiApi:
    """A WSGI application and how gunicorn serves it.

    ``env`` returns the variables that name its configuration. ``threads`` is the number of requests that it handles in
    parallel. ``ready`` defaults to a request for its version document. ``fork_server`` starts it. ``prepare`` is the Python code that
    runs when the application is loaded and has no request yet, for what it would do at the first request, in one of several threads.
    """

    name: str
    summary: str
    application: str
    port: int
    env: Callable[[Context], Mapping[str, str]]
    needs: tuple[str, ...]
    after: tuple[str, ...] = ()
    threads: int = 8
    ready: Probe | None = None
    fork_server: ForkServer | None = None
    prepare: str = ""

    def service(self) -> Service:
        """Return the service; a step that it needs must call ``configure``."""
        alone = Service(
            name=self.name,
            summary=self.summary,
            # gunicorn takes its arguments from the environment: oslo.config would parse those of the command line.
            command=lambda ctx: (ctx.paths.venv / "bin" / "gunicorn",),
            env=lambda ctx: {**self.env(ctx), "GUNICORN_CMD_ARGS": shlex.join(("--config", str(self._config_file(ctx))))},
            ready=self.ready or HttpProbe(port=self.port),
            port=self.port,
            needs=self.needs,
            after=self.after,
        )
        return self.fork_server.fork(alone) if self.fork_server else alone

    async def configure(self, ctx: Context) -> None:
        """Write gunicorn's configuration. One process is enough: a stack serves one person or one CI job."""
        options = {
            "wsgi_app": self.application,
            "proc_name": self.name,
            "bind": [f"{ctx.settings.local_ip}:{self.port}"],
            "workers": 1,
            "worker_class": "gthread",
            "threads": self.threads if ctx.settings.of(DatabaseSettings).use_mysql else 1,  # SQLite has one writer
            "worker_tmp_dir": str(ctx.paths.run),
            "control_socket_disable": True,  # its default path is the same for all stacks: the user's home
            "timeout": 0,  # a request on a slow machine may take long; a thread that hangs does not block the others
            "graceful_timeout": 1,
            "keepalive": 75,
            "limit_request_line": 0,  # none: nova lists the ports of all servers of a page by their ids
            "limit_request_field_size": 65_536,  # bytes; gunicorn multiplies it to limit all headers, so that it must not be 0
            "errorlog": "-",
        }
        text = "".join(f"{name} = {value!r}\n" for name, value in options.items())
        if self.prepare:
            text += f"def post_worker_init(_):\n    {self.prepare}\n"
        await ctx.write(self._config_file(ctx), text)

    def _config_file(self, ctx: Context) -> Path:
        return ctx.paths.etc / "gunicorn" / f"{self.name}.py"
