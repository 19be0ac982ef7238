"""No content of `.env` leads to a traceback or a hang.

Done: `config` is called with a generated `.env` in DIR, where every setting is allowed: assignments of every known setting, of
other names, open quotes, and any bytes. How often: 100 files, 500 with ``FAULTS=long``.
Must hold: the exit code is 0 or 2; with 2 the message names the file or a setting, and there is no other error.
"""

import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from novaflow.adapters.storage import find_components
from novaflow.settings.core import CoreSettings, find_workflows
from novaflow.settings.group import find_fields
from tests.cli.conftest import run_main
from tests.faults.scale import TIMEOUT_S, times

pytestmark = [pytest.mark.slow, pytest.mark.timeout(TIMEOUT_S)]

FILES = times(100, 500)
DEADLINE_MS = 20_000  # for what takes 100 ms on an idle machine

NAMES = sorted(find_fields((CoreSettings, *find_components(find_workflows()).settings)))
VALUES = st.one_of(
    st.text(max_size=40),
    st.integers().map(str),
    st.ip_addresses().map(str),
    st.sampled_from(
        ["", "0", "1", "auto", "/", "/proc", "~", "~nosuchuser/x", "\0", "a\0b", "../" * 40, "x" * 5000, "10.0.0.0/33", ":", ","]
    ),
    st.ip_addresses(v=4).flatmap(lambda one: st.integers(0, 33).map(lambda bits: f"{one}/{bits}")),
    st.lists(st.sampled_from(["nova", "neutron", "keystone", "default", "x", ""]), max_size=5).map(",".join),
    st.sampled_from(["amqp://", "amqp://a:b@[::1]:99999/x", "amqps://[", "http://a", "ldap://a:b", "amqp://a;amqp://b"]),
)
QUOTES = st.sampled_from(["{}", "'{}'", '"{}"', "'{}", '"{}', " {} # c", "${{{}}}", "${{HOME}}{}"])
NAMED = st.one_of(st.sampled_from(NAMES), st.from_regex(r"\A[A-Z_]{1,12}\Z"), st.sampled_from(NAMES).map(lambda name: name[:-1]))


def write_line(name: str, quotes: str, value: str, separator: str) -> str:
    """Return an assignment."""
    return f"{name}{separator}{quotes.format(value)}"


LINES = st.builds(write_line, NAMED, QUOTES, VALUES, st.sampled_from(["=", "=", "=", " = ", "", "\r="]))
CONTENTS = st.one_of(
    st.lists(LINES, max_size=6).map(lambda lines: "\n".join(lines).encode(errors="surrogatepass")),
    st.text(max_size=200).map(partial(str.encode, errors="surrogatepass")),
    st.binary(max_size=200),
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of a stack; commands run in the folder that contains it."""
    monkeypatch.chdir(tmp_path)
    stack = tmp_path / "nova"
    stack.mkdir()
    yield stack
    structlog.reset_defaults()


@settings(max_examples=FILES, deadline=DEADLINE_MS, suppress_health_check=[*HealthCheck], derandomize=True, database=None)
@given(content=CONTENTS)
@example(content=b"MYSQL_PASS=http://[")
@example(content=b"NOVAFLOW_COMPONENTS_PATH='a\0b'")
@example(content=b"NOVAFLOW_COMPONENTS_PATH=/")
@example(content=b"NOVAFLOW_WORKFLOWS=/proc")
@example(content=b"INSTANCES_PATH=" + b"x" * 5000)
def test_any_file_is_accepted_or_refused(folder: Path, content: bytes) -> None:
    """A message of a refusal names the file, or a setting."""
    (folder / ".env").write_bytes(content)
    ended = run_main("config")
    assert ended.code in {0, 2}, (content, ended)
    assert ended.code == 0 or re.search(r"\.env|[A-Z_]{4}|component", ended.err), (content, ended)
    assert "Traceback" not in ended.err + ended.out


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    """A file that is none is refused at once."""
    os.mkfifo(folder / ".env")
    ended = run_main("config")
    assert (ended.code, ended.err) == (2, "novaflow: nova/.env is not a regular file\n")
