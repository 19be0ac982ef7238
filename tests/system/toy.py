"""A small workflows folder, and `novaflow` as a process."""

import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import psutil
from anyio.abc import Process

from novaflow.adapters.control.client import ControlClient
from novaflow.adapters.storage import is_locked
from novaflow.model.paths import Paths

NOVA_SH = Path(__file__).parents[2] / "nova.sh"
WITHIN_S = 30  # for what takes a second on an idle machine

# Answers each connection with 200.
SERVER = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    while True:
        peer, _ = listener.accept()
        with peer:
            peer.recv(4096)
            peer.sendall(b"HTTP/1.1 200 OK\\r\\ncontent-length: 0\\r\\nconnection: close\\r\\n\\r\\n")
"""

FILES = {
    "__init__.py": "",
    "components/__init__.py": "",
    "install.py": """
from novaflow.model.workflow import Workflow

WORKFLOW = Workflow("install", "What the toy needs.")
""",
    "run.py": """
from novaflow.model.workflow import Workflow


def is_missing(_, paths, __):
    return None if (paths.data / "toy").exists() else f"{paths.root} is not installed; run `novaflow install` or `novaflow up`"


WORKFLOW = Workflow("run", "The toy.", stays=True, reason_not_ready=is_missing)
""",
    "clean.py": """
from novaflow.model.workflow import Workflow

WORKFLOW = Workflow("clean", "What the toy leaves.")
""",
    "verify.py": """
from novaflow.model.workflow import Workflow

WORKFLOW = Workflow("verify", "Whether the toy works.", while_up=True)
""",
    "components/web.py": """
import sys
from pathlib import Path

from novaflow.model.component import Component
from novaflow.model.service import Service
from novaflow.model.step import Skipped, step
from novaflow.model.probe import HttpProbe

SERVER = Path(__file__).parents[2] / "server.py"


@step(within_s=10)
async def fetch(ctx):
    \"\"\"Fetch the toy.\"\"\"
    if (ctx.paths.data / "toy").exists():
        return Skipped("it is there")
    await ctx.write(ctx.paths.data / "toy", "")


@step(within_s=10)
async def configure(ctx):
    \"\"\"Write the toy's configuration.\"\"\"
    await ctx.write(ctx.paths.etc / "web.conf", ctx.secret("web"), 0o600)


@step(within_s=10, needs=("web",))
async def use(ctx):
    \"\"\"Use the toy.\"\"\"
    answer = await ctx.http("GET", "http://127.0.0.1:PORT/")
    return f"answered {answer.status}"


@step(within_s=10)
async def forget(ctx):
    \"\"\"Remove the toy's configuration.\"\"\"
    (ctx.paths.etc / "web.conf").unlink(missing_ok=True)


@step(within_s=10)
async def ask(ctx):
    \"\"\"Ask the toy.\"\"\"
    await ctx.http("GET", "http://127.0.0.1:PORT/")


WEB = Service("web", "The toy.", lambda _: (sys.executable, "-IS", SERVER, "PORT"), HttpProbe(PORT), within_s=20, grace_s=2,
              needs=("web.configure",), port=PORT)

COMPONENT = Component(
    "web", "The toy.", {"install": (fetch,), "run": (configure, WEB, use), "clean": (forget,), "verify": (ask,)}, aliases=("httpd",),
    urls=lambda _: {"toy": "http://127.0.0.1:PORT/"},
)
""",
}

# An additional service whose program is ``CODE``; without ``ANSWER`` it is never ready.
EXTRA = """
import sys

from novaflow.model.component import Component
from novaflow.model.service import Service
from novaflow.model.probe import FunctionProbe, NotYet

CODE = {code!r}
ANSWER = {answer!r}


async def ask(_):
    if not ANSWER:
        raise NotYet("it is asleep")
    return ANSWER


EXTRA = Service("extra", "Another toy.", lambda _: (sys.executable, "-IS", "-u", "-c", CODE), FunctionProbe(ask, "itself"), within_s=20,
                grace_s=2, needs=("web",))
COMPONENT = Component("extra", "Another toy.", {{"run": (EXTRA,)}})
"""
SLEEP = "import time; time.sleep(600)"


@dataclass(frozen=True, slots=True)
class Result:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """Return the output as JSON."""
        return json.loads(self.out)


class Toy:
    """A small stack; commands run in ``folder``, and are started with the program ``prefix`` and its arguments.

    ``added`` is added to their environment.
    """

    def __init__(self, folder: Path, port: int, prefix: tuple[str, ...] = ()) -> None:
        self.prefix = prefix
        self.folder, self.port, self.root = folder, port, folder / "nova"
        self.added: dict[str, str] = {}  # to the environment of commands
        self.workflows = folder / "toy_workflows"  # no installed package has this name
        (folder / "server.py").write_text(SERVER)
        for name, content in FILES.items():
            self.write(name, content)

    def write(self, name: str, content: str) -> None:
        """Write a file of the workflows folder; ``PORT`` in its text becomes the stack's port."""
        (self.workflows / name).parent.mkdir(parents=True, exist_ok=True)
        (self.workflows / name).write_text(content.replace("PORT", str(self.port)))

    def add(self, code: str, *, answer: str = "") -> None:
        """Add a service that runs the code; without an answer it is never ready."""
        self.write("components/extra.py", EXTRA.format(code=code, answer=answer))

    @property
    def paths(self) -> Paths:
        """Return the paths of the stack."""
        return Paths(self.root)

    @property
    def is_held(self) -> bool:
        """Return whether a process holds the stack's lock."""
        return is_locked(self.paths.lock)

    @property
    def env(self) -> Mapping[str, str]:
        """Return the environment of commands."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "NOVAFLOW_WORKFLOWS": str(self.workflows),
            "COLUMNS": "200",
            **self.added,
        }

    async def call(self, *words: str, **env: str) -> Result:
        """Run a command to its end."""
        with anyio.fail_after(WITHIN_S):
            ended = await anyio.run_process([*self.prefix, *_argv(words)], check=False, cwd=self.folder, env={**self.env, **env})
        return Result(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    @asynccontextmanager
    async def calling(self, *words: str) -> AsyncIterator[Process]:
        """Run a command during the block, and wait for its end afterwards."""
        with anyio.fail_after(WITHIN_S):
            async with await anyio.open_process([*self.prefix, *_argv(words)], cwd=self.folder, env=self.env) as process:
                yield process

    def installed(self) -> "Toy":
        """Return the stack after `install`; without a process, which saves half a second."""
        (self.root / "data").mkdir(parents=True, exist_ok=True)
        (self.root / "data/toy").touch()
        return self

    async def ready(self) -> "Toy":
        """Return the stack after `up`."""
        result = await self.installed().call("run", "--wait-ready")
        assert result.code == 0, result
        return self

    async def status(self) -> Mapping[str, Any]:
        """Return the status that the supervisor reports."""
        status = await ControlClient(self.paths.control).fetch_status()
        assert status is not None
        return status

    async def end(self) -> None:
        """Stop the stack, if its supervisor runs."""
        if self.is_held:
            pid = int(self.paths.lock.read_text().split()[-1])
            os.kill(pid, signal.SIGTERM)
            await self.wait_released()

    async def supervisor(self) -> psutil.Process:
        """Return the process that holds the stack."""
        supervisor = psutil.Process((await self.status())["services"][0]["pid"]).parent()
        assert supervisor is not None
        return supervisor

    async def wait_released(self) -> None:
        """Wait until no process holds the lock."""
        with anyio.fail_after(WITHIN_S):
            while self.is_held:  # noqa: ASYNC110 - held by another process
                await anyio.sleep(0.01)

    async def wait_ready_again(self, killed: int) -> None:
        """Wait until the stack is ready and no service has the process ``killed``."""
        with anyio.fail_after(WITHIN_S):
            status = await self.status()
            while status["state"] != "ready" or any(service["pid"] == killed for service in status["services"]):
                await anyio.sleep(0.05)
                status = await self.status()

    async def wait_until_status(self, holds: Callable[[Mapping[str, Any]], bool]) -> None:
        """Wait until the status that the supervisor reports has a property."""
        with anyio.fail_after(WITHIN_S):
            while not holds(await self.status()):  # noqa: ASYNC110 - reported by another process
                await anyio.sleep(0.05)

    async def wait_state(self, state: str) -> None:
        """Wait until the journal has this state of the stack."""
        await self.wait_published(f"novaflow.stack.{state}")

    async def wait_published(self, kind: str, *, times: int = 1) -> None:
        """Wait until the journal has as many events of that type as ``count``."""
        journal = self.paths.journal
        with anyio.fail_after(WITHIN_S):
            while not (journal.exists() and journal.read_text().count(f'"{kind}"') >= times):  # noqa: ASYNC110 - written by another process
                await anyio.sleep(0.01)


def _argv(words: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "novaflow.cli.main", *words]


async def wait_printed(process: Process, text: str) -> str:
    """Read the output of the process until it contains the text, and return it."""
    assert process.stdout is not None
    result = b""
    with anyio.fail_after(WITHIN_S):
        while text.encode() not in result:
            result += await process.stdout.receive()
    return result.decode()
