"""APIs that are WSGI applications, each served by a gunicorn of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from novaflow.model.context import Context
from novaflow.model.probe import HttpProbe, Probe
from novaflow.model.service import Service
from workflows.infra.database.settings import DatabaseSettings


@dataclass(frozen=True, slots=True)
class Wsgi:
    """One API: ``env`` says where its configuration lies; ``threads`` is how many requests it answers at once.

    It is ready when its document of versions answers, unless ``ready`` asks for more.
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

    def service(self) -> Service:
        """Return the service; ``configure`` has to be awaited in a step it needs."""
        return Service(
            name=self.name,
            summary=self.summary,
            # Without arguments: oslo.config reads the application's from the same place, and would not know gunicorn's.
            command=lambda ctx: (ctx.paths.venv / "bin" / "gunicorn",),
            env=lambda ctx: {**self.env(ctx), "GUNICORN_CMD_ARGS": f"--config {ctx.paths.etc}/gunicorn/{self.name}.py"},
            ready=self.ready or HttpProbe(port=self.port),
            port=self.port,
            needs=self.needs,
            after=self.after,
        )

    async def configure(self, ctx: Context) -> None:
        """Write gunicorn's configuration; one process, since a stack serves one person or one job."""
        options = {
            "wsgi_app": self.application,
            "proc_name": self.name,
            "bind": [f"{ctx.settings.host_ip}:{self.port}"],
            "workers": 1,
            "worker_class": "gthread",
            "threads": self.threads if ctx.settings.of(DatabaseSettings).use_mysql else 1,  # SQLite has one writer
            "worker_tmp_dir": str(ctx.paths.run),
            "control_socket_disable": True,  # it would be one for all stacks, in the user's home
            "timeout": 0,  # a request may wait for a slow machine; a thread that hangs hurts no other
            "graceful_timeout": 1,
            "keepalive": 75,
            "errorlog": "-",
        }
        text = "".join(f"{name} = {value!r}\n" for name, value in options.items())
        await ctx.write(ctx.paths.etc / "gunicorn" / f"{self.name}.py", text)
