"""A power cut loses no write that MariaDB has confirmed.

MariaDB runs with the stack's configuration on a file system in an image. While it confirms one row after the other, the image is
copied at several instants; a copy has what was on the disk, and nothing of the kernel's memory. A server on each copy must have
every row that was confirmed before.
"""

# ruff: noqa: S603, S607, TID251 - tests start their own programs

import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import pytest
from anyio.streams.text import TextReceiveStream

from novaflow.adapters.local import NodeContext
from novaflow.model.component import Component
from tests.support.contexts import open_context
from tests.support.settings import make_settings
from workflows.infra.database.cloud_data import query_mariadb, restore
from workflows.infra.database.component import configure, prepare
from workflows.infra.database.urls import Database, socket_path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

CUTS = 5
ROWS_BETWEEN = 40
WITHIN_S = 60
TABLE = "nova.confirmed"


@pytest.fixture
def anyio_backend() -> str:
    """Return the backend that novaflow runs on."""
    return "asyncio"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Return an image with an empty file system; skip the test where it cannot be mounted, but fail it in CI."""
    image = tmp_path / "image"
    subprocess.run(["truncate", "--size=1G", image], check=True, timeout=WITHIN_S)
    subprocess.run(["mkfs.ext4", "-q", image], check=True, timeout=WITHIN_S)
    if os.environ.get("CI") != "true" and (os.geteuid() != 0 or not Path("/dev/loop-control").exists() or not shutil.which("mariadbd")):
        pytest.skip("needs root, loop devices and MariaDB")
    return image


@contextmanager
def mounted(image: Path) -> Iterator[Path]:
    """Mount the image during the block, and return the folder."""
    folder = image.with_name(f"{image.name}.d")  # short: the path of a socket has at most 107 characters
    folder.mkdir()
    subprocess.run(["mount", "-o", "loop", image, folder], check=True, timeout=WITHIN_S)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True, timeout=WITHIN_S)


@asynccontextmanager
async def database(root: Path, *, durable: bool) -> AsyncIterator[tuple[NodeContext, int]]:
    """Return the context and the process of a MariaDB in ``root``, which is created if it does not exist."""
    component = Component("one", "One.", declares=(Database("nova"),))
    async with open_context(root, component, settings=make_settings(novaflow_durable=durable)) as ctx:
        for folder in (ctx.paths.run, ctx.paths.data, ctx.paths.log):
            folder.mkdir(parents=True, exist_ok=True)
        await configure.body(ctx)
        if not (ctx.paths.data / "mariadb").exists():
            await prepare.body(ctx)
        await restore.body(ctx)
        command = ["mariadbd", f"--defaults-file={ctx.paths.etc}/mariadb/mariadb.cnf"]
        async with await anyio.open_process(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            with anyio.fail_after(WITHIN_S):
                while not await query_mariadb(ctx, "SELECT 1"):
                    assert server.returncode is None, "MariaDB does not start"
                    await anyio.sleep(0.1)
            yield ctx, server.pid
            server.kill()


async def count_confirmed(ctx: NodeContext) -> AsyncIterator[int]:
    """Insert one row after the other, and yield the number of each when the server has confirmed it."""
    rows = "".join(f"INSERT INTO {TABLE} VALUES ({number}); SELECT {number};\n" for number in range(1, CUTS * ROWS_BETWEEN + 1))  # noqa: S608
    command = ["mariadb", "--no-defaults", f"--socket={socket_path(ctx.paths)}", "--unbuffered", "--batch", "--skip-column-names"]
    (ctx.paths.run / "rows.sql").write_text(rows)
    with (ctx.paths.run / "rows.sql").open() as source:
        async with await anyio.open_process(command, stdin=source) as client:
            assert client.stdout is not None
            async for text in TextReceiveStream(client.stdout):
                for line in text.split():
                    yield int(line)


async def cut_power(image: Path, *, durable: bool) -> list[tuple[int, Path]]:
    """Write rows, and return a copy of the image for each cut with the number of rows that were confirmed before it."""
    copies = []
    with mounted(image) as folder:
        async with database(folder / "nova", durable=durable) as (ctx, server):
            await query_mariadb(ctx, f"CREATE TABLE {TABLE} (number INT PRIMARY KEY)")
            async for number in count_confirmed(ctx):
                if number % ROWS_BETWEEN == 0:
                    os.kill(server, signal.SIGSTOP)
                    copy = image.with_name(f"c{number}")
                    subprocess.run(["cp", "--sparse=always", image, copy], check=True, timeout=WITHIN_S)  # noqa: ASYNC221
                    os.kill(server, signal.SIGCONT)
                    copies.append((number, copy))
    return copies


async def count_rows(copy: Path) -> int:
    """Return the number of rows that a server finds in a copy; 0 if it cannot start or the table is missing."""
    with mounted(copy) as folder:
        async with database(folder / "nova", durable=True) as (ctx, _):
            return int(await query_mariadb(ctx, f"SELECT COUNT(*) FROM {TABLE}") or 0)  # noqa: S608


async def test_confirmed_rows_survive_a_power_cut(image: Path) -> None:
    """Each copy has at least the rows that were confirmed before it."""
    copies = await cut_power(image, durable=True)
    assert len(copies) == CUTS
    for confirmed, copy in copies:
        assert await count_rows(copy) >= confirmed
