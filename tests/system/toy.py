"""A workflows folder with toys in it, and `novaflow` as a program."""

import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
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

WITHIN_S = 30  # for what takes a second on a machine with nothing else to do

# One connection after the other, each answered with 200 at once.
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


WORKFLOW = Workflow("run", "The toy.", stays=True, unmet=is_missing)
""",
    "clean.py": """
from novaflow.model.workflow import Workflow

WORKFLOW = Workflow("clean", "What the toy leaves.")
""",
    "verify.py": """
from novaflow.model.workflow import Workflow

WORKFLOW = Workflow("verify", "Whether the toy works.")
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

# What tests put in beside it: a service whose program is ``CODE`` and which is never ready, unless ``ANSWER`` says so.
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
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever it is
        """Return what programs read."""
        return json.loads(self.out)


class Toy:
    """A stack of toys in ``folder``; whatever is called runs there, as a user would have it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port, self.root = folder, port, folder / "nova"
        self.workflows = folder / "toy_workflows"  # a name that no installed package has
        (folder / "server.py").write_text(SERVER)
        for name, content in FILES.items():
            self.write(name, content)

    def write(self, name: str, content: str) -> None:
        """Write a file of the workflows' folder; ``PORT`` in it becomes the toy's port."""
        (self.workflows / name).parent.mkdir(parents=True, exist_ok=True)
        (self.workflows / name).write_text(content.replace("PORT", str(self.port)))

    def add(self, code: str, *, answer: str = "") -> None:
        """Add a service that runs the code and answers so; never, if it is empty."""
        self.write("components/extra.py", EXTRA.format(code=code, answer=answer))

    @property
    def paths(self) -> Paths:
        """Return where everything of the stack lies."""
        return Paths(self.root)

    @property
    def is_held(self) -> bool:
        """Return whether a novaflow is at work on the stack."""
        return is_locked(self.paths.lock)

    @property
    def env(self) -> Mapping[str, str]:
        """Return the environment commands see."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "NOVAFLOW_WORKFLOWS": str(self.workflows),
            "COLUMNS": "200",
        }

    async def call(self, *words: str, **env: str) -> Said:
        """Run a command to its end."""
        with anyio.fail_after(WITHIN_S):
            ended = await anyio.run_process(_argv(words), check=False, cwd=self.folder, env={**self.env, **env})
        return Said(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    @asynccontextmanager
    async def calling(self, *words: str) -> AsyncIterator[Process]:
        """Run a command beside the block; it has ended when the block has."""
        with anyio.fail_after(WITHIN_S):
            async with await anyio.open_process(_argv(words), cwd=self.folder, env=self.env) as process:
                yield process

    def installed(self) -> "Toy":
        """Return it with everything installed; without a process, which costs half a second."""
        (self.root / "data").mkdir(parents=True, exist_ok=True)
        (self.root / "data/toy").touch()
        return self

    async def ready(self) -> "Toy":
        """Return it with everything up."""
        said = await self.installed().call("run", "--wait-ready")
        assert said.code == 0, said
        return self

    async def status(self) -> Mapping[str, Any]:
        """Return what the supervisor says of it."""
        status = await ControlClient(self.paths.control).fetch_status()
        assert status is not None
        return status

    async def end(self) -> None:
        """Have the supervisor end it, if there is one."""
        if self.is_held:
            pid = int(self.paths.lock.read_text().split()[-1])
            os.kill(pid, signal.SIGTERM)
            await self.wait_let_go()

    async def supervisor(self) -> psutil.Process:
        """Return the process that holds the stack."""
        supervisor = psutil.Process((await self.status())["services"][0]["pid"]).parent()
        assert supervisor is not None
        return supervisor

    async def wait_let_go(self) -> None:
        """Wait until nobody holds the stack."""
        with anyio.fail_after(WITHIN_S):
            while self.is_held:  # noqa: ASYNC110 - held by another process
                await anyio.sleep(0.01)

    async def wait_state(self, state: str) -> None:
        """Wait until the stack's journal tells of it."""
        await self.wait_told(f"novaflow.stack.{state}")

    async def wait_told(self, kind: str, *, times: int = 1) -> None:
        """Wait until the journal tells of so many events of that type."""
        journal = self.paths.journal
        with anyio.fail_after(WITHIN_S):
            while not (journal.exists() and journal.read_text().count(f'"{kind}"') >= times):  # noqa: ASYNC110 - written by another process
                await anyio.sleep(0.01)


def _argv(words: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "novaflow.cli.main", *words]


async def wait_said(process: Process, text: str) -> str:
    """Read what the process prints until the text is in it, and return all of it."""
    assert process.stdout is not None
    said = b""
    with anyio.fail_after(WITHIN_S):
        while text.encode() not in said:
            said += await process.stdout.receive()
    return said.decode()
