"""The guide "Add a service" works as it is written."""

# ruff: noqa: S603, TID251 - the programs are novaflow itself

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from novaflow.adapters.storage import find_components
from novaflow.model.step import Step
from novaflow.settings import combine_settings
from tests.support.contexts import open_context
from tests.support.settings import GROUPS, WORKFLOWS

PAGE = (Path(__file__).parents[2] / "docs/how-to/add-a-service.md").read_text()
FILES = dict(re.findall(r"^<!-- file: (\S+) -->\n```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
PROGRAMS = Path(sys.executable).parent

Call = Callable[..., str]


@pytest.fixture
def anyio_backend() -> str:
    """Return the backend that novaflow runs on."""
    return "asyncio"


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[Path]:
    """Return a folder of components with the files of the page; modules that are loaded from it are unloaded."""
    # The folder's name is the name of a package, which no other test uses.
    folder = tmp_path / "added_service"
    for name, text in {"__init__.py": "", "notes/__init__.py": "", **FILES}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    path = [*sys.path]
    yield folder
    sys.path[:] = path
    for name in [name for name in sys.modules if name.partition(".")[0] == folder.name]:
        del sys.modules[name]


@pytest.fixture
def call(mine: Path, tmp_path: Path) -> Call:
    """Return a function that runs novaflow with the environment of the page and returns its output."""
    environment = {"PATH": os.defpath, "NOVAFLOW_COMPONENTS_PATH": str(mine), "NOVAFLOW_SERVICES": "default,notes"}

    def run(*argv: str) -> str:
        done = subprocess.run([PROGRAMS / "novaflow", *argv], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def needs_of(node: str, graph: str) -> set[str]:
    """Return the needs of a node in a graph that is drawn as text, where long lists continue in the next lines."""
    found = re.search(rf"[○●] {re.escape(node)} +← (.+(?:\n {{20,}}\S.*)*)", graph)
    assert found, graph
    return set(re.split(r",\s+", found[1]))


@pytest.mark.slow
def test_the_component_is_part_of_settings_and_graphs(call: Call) -> None:
    """The setting has its default; the nodes of both workflows have the needs that the page states."""
    assert re.search(r"^NOTES_LIMIT +100 +default$", call("config"), re.MULTILINE)
    template, run = call("graph", "template"), call("graph", "run")
    assert needs_of("notes.schema", template) == {"mariadb-template", "notes.configure"}
    assert needs_of("notes-api", run) == needs_of("notes-worker", run) == {"mariadb", "notes.configure", "rabbitmq"}


async def test_the_configuration_is_written(mine: Path, tmp_path: Path) -> None:
    """The step `configure` writes notes.conf with the setting, the database, the broker and keystone."""
    found = find_components(WORKFLOWS, mine)
    component = next(one for one in found.components if one.name == "notes")
    configure = component.parts["run"][0]
    assert isinstance(configure, Step)
    settings = combine_settings(*(group() for group in (*GROUPS, *component.settings)))
    async with open_context(tmp_path / "nova", component, settings=settings) as ctx:
        written = Path(str(await configure.body(ctx))).read_text()
    assert "limit = 100" in written
    assert "connection = mysql+pymysql://" in written
    assert "transport_url = rabbit://" in written
    assert "[keystone_authtoken]" in written
