"""Outputs that cannot show every character, and outputs whose reader ends early."""

import sys
from collections.abc import Mapping

import anyio
import pytest

from tests.system.toy import WITHIN_S, Toy

pytestmark = pytest.mark.slow

OUTPUT_CLOSED = 141
ENCODINGS = (
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1"},
    {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    {"LC_ALL": "tr_TR.UTF-8"},
)
NON_ASCII = """
from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component


def check(_, __):
    return CheckResult("Größe", Severity.GOOD, "8 GiB ✓")


COMPONENT = Component("checked", "Prüfung ✓.", checks=(check,))
"""


@pytest.mark.parametrize("encoding", ENCODINGS, ids=str)
async def test_a_character_that_cannot_be_encoded_is_substituted(toy: Toy, encoding: Mapping[str, str]) -> None:
    """Each command prints a substitute, and its exit code is the same as with UTF-8."""
    toy.write("components/checked.py", NON_ASCII)
    for words, code in {"doctor": 0, "install": 0, "graph run": 0, "status": 6, "start wéb✓": 2}.items():
        with anyio.fail_after(WITHIN_S):
            argv = [sys.executable, "-m", "novaflow.cli.main", *words.split()]
            ended = await anyio.run_process(argv, check=False, cwd=toy.folder, env={**toy.env, **encoding})
        assert (ended.returncode, b"Traceback" in ended.stderr) == (code, False), (words, ended)


async def call_without_reader(toy: Toy, *words: str) -> tuple[int, str]:
    """Run a command whose output no program reads; return its exit code and its errors."""
    argv = ["sh", "-c", '{ "$@"; echo $? >&2; } | true', "sh", sys.executable, "-m", "novaflow.cli.main", *words]
    with anyio.fail_after(WITHIN_S):
        ended = await anyio.run_process(argv, cwd=toy.folder, env=toy.env)
    errors, code = ended.stderr.decode().rstrip("\n").rpartition("\n")[::2]
    return int(code), errors


@pytest.mark.parametrize("words", [("config",), ("--help",), ("up", "--help"), ("status",), ("status", "--json"), ("doctor",)])
async def test_a_reader_that_has_ended_is_no_error(toy: Toy, words: tuple[str, ...]) -> None:
    """A command that only prints ends as other programs do, without a message."""
    toy.write("components/checked.py", NON_ASCII)
    assert await call_without_reader(toy, *words) == (OUTPUT_CLOSED, "")


async def test_work_is_completed_without_a_reader(toy: Toy) -> None:
    """`install`, `up`, `verify` and `clean` do all of their work, and succeed."""
    for words in (("install",), ("run", "--wait-ready", "--yes")):
        assert await call_without_reader(toy, *words) == (0, "")
    assert toy.is_held
    assert await call_without_reader(toy, "verify") == (0, "")
    assert toy.paths.journal.read_text().count('"novaflow.workflow.succeeded"') >= 3
    assert await call_without_reader(toy, "clean") == (0, "")
    assert not toy.is_held


async def test_work_is_completed_on_a_full_disk(toy: Toy) -> None:
    """The output is lost, which is reported at the end."""
    await toy.ready()
    command = f"exec {sys.executable} -m novaflow.cli.main clean >/dev/full"
    ended = await anyio.run_process(["sh", "-c", command], check=False, cwd=toy.folder, env=toy.env)
    assert ended.returncode == 5
    assert ended.stderr == b"novaflow: the output cannot be written: no space left on device\n"
    assert not toy.is_held


@pytest.mark.parametrize("words", [("logs", "web", "-f"), ("events", "--follow", "--from-start")])
async def test_following_ends_with_its_reader(toy: Toy, words: tuple[str, ...]) -> None:
    """`head` ends the command that follows a log or the events."""
    await toy.ready()
    (toy.paths.log / "web.log").write_text("one\n")
    assert (await call_without_reader(toy, *words))[0] == OUTPUT_CLOSED
