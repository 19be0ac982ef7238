"""Logs that grow while they are followed."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import anyio
import pytest

from novaflow.runtime.log_reader import write_logs
from tests.support.programs import wait_until


@pytest.fixture
def logs(tmp_path: Path) -> Sequence[Path]:
    """Return two logs with one line each."""
    paths = [tmp_path / f"{name}.log" for name in ("web", "worker")]
    for path in paths:
        path.write_text("old\n")
    return paths


async def test_without_following_the_last_lines_are_written(logs: Sequence[Path]) -> None:
    """The function returns; an incomplete last line is written as well."""
    logs[0].write_text("one\ntwo")
    lines = list[str]()
    await write_logs(logs[:1], lines.append, follow=False)
    assert lines == ["one", "two"]


async def test_new_lines_are_written_as_they_come(logs: Sequence[Path]) -> None:
    """Lines of several logs begin with the name of their log, in columns; a line is written when it is complete."""
    lines = list[str]()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(write_logs, logs, lines.append, follow=True))
        await wait_until(lambda: len(lines) == 2)
        with logs[1].open("a") as worker, logs[0].open("a") as web:
            worker.write("half ")
            worker.flush()
            web.write("ready\n")
            web.flush()
            await wait_until(lambda: len(lines) == 3)
            worker.write("a line\n")
        await wait_until(lambda: len(lines) == 4)
        tasks.cancel_scope.cancel()
    assert lines == ["web    | old", "worker | old", "web    | ready", "worker | half a line"]


async def test_a_log_that_is_emptied_is_followed_from_its_beginning(logs: Sequence[Path]) -> None:
    """A restarted service may truncate its log."""
    lines = list[str]()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(write_logs, logs[:1], lines.append, follow=True))
        await wait_until(lambda: lines == ["old"])
        logs[0].write_text("n\n")
        await wait_until(lambda: len(lines) == 2)
        tasks.cancel_scope.cancel()
    assert lines == ["old", "n"]
