"""Components of a user's own, in a folder of NOVAFLOW_COMPONENTS_PATH: the example of the documentation, and invalid folders."""

import socket
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from tests.system.toy import Toy

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "docs/examples/components/downloads.py"
COMPONENT = 'from novaflow.model.component import Component\n\nCOMPONENT = Component("{name}", "Mine.")\n'
SETTINGS = '''
from typing import Annotated

from novaflow.model.component import Component
from novaflow.settings import Allowed, SettingsGroup


class Mine(SettingsGroup):
    """Mine."""

    {field}: Annotated[str, Allowed("any text")] = ""


COMPONENT = Component("mine", "Mine.", settings=({group},))
'''


@pytest.fixture
def downloads_port(port: int) -> int:
    """Return a free port that is not the toy's."""
    with socket.create_server(("127.0.0.1", port)), socket.create_server(("127.0.0.1", 0)) as listener:
        number: int = listener.getsockname()[1]
    return number


@pytest.fixture
def mine(toy: Toy, downloads_port: int) -> Path:
    """Return a folder of components that `DIR/.env` names; it contains the example, with a free port."""
    mine = toy.folder / f"{toy.folder.name}_mine"
    mine.mkdir()
    (mine / "downloads.py").write_text(EXAMPLE.read_text().replace("port=8099", f"port={downloads_port}"))
    toy.root.mkdir()
    (toy.root / ".env").write_text(f"NOVAFLOW_COMPONENTS_PATH=../{mine.name}\n")
    (toy.folder / ".env").write_text("DOWNLOADS_PATH=files\n")
    return mine


@pytest.mark.usefixtures("mine")
async def test_a_component_of_ones_own_runs_like_any_other(toy: Toy, downloads_port: int) -> None:
    """Its service answers; `status`, `config`, `graph` and `doctor` show it."""
    (toy.folder / "files").mkdir()
    (toy.folder / "files/hello").write_text("hello")
    toy.installed()
    started = await toy.call("run", "--wait-ready")
    assert started.code == 0, started
    status = (await toy.call("status", "--json")).json
    assert [(one["name"], one["component"], one["state"]) for one in status["services"] if one["component"] == "downloads"] == [
        ("downloads", "downloads", "ready")
    ]
    assert status["url"]["downloads"] == f"http://127.0.0.1:{downloads_port}/"
    assert await fetch(downloads_port, "/hello") == "hello"
    config = (await toy.call("config", "--json")).json
    assert config["DOWNLOADS_PATH"] == {"value": f"{toy.folder}/files", "origin": "./.env line 1"}
    assert "downloads.prepare" in (await toy.call("graph", "run")).out
    checks = {one["about"]: one["found"] for one in (await toy.call("doctor", "--json")).json}
    assert checks["downloads"] == f"{toy.folder}/files"


async def fetch(port: int, path: str) -> str:
    """Return the body of an HTTP response."""
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        response = b"".join([chunk async for chunk in stream])
    return response.partition(b"\r\n\r\n")[2].decode()


@pytest.mark.usefixtures("mine")
async def test_a_failed_check_of_ones_own_component_stops_the_start(toy: Toy) -> None:
    """The message is that of the component, and nothing is changed."""
    result = await toy.installed().call("up")
    expected = f"novaflow: downloads: {toy.folder}/files does not exist; create it, or choose another DOWNLOADS_PATH\n"
    assert (result.code, result.err) == (5, expected)
    assert not (toy.root / "log").exists()


def remove(mine: Path) -> str:
    """Remove the folder."""
    (mine / "downloads.py").unlink()
    mine.rmdir()
    return "{mine}: this folder of NOVAFLOW_COMPONENTS_PATH does not exist; create it or change NOVAFLOW_COMPONENTS_PATH"


def replace_by_file(mine: Path) -> str:
    """Replace the folder by a file."""
    remove(mine)
    mine.touch()
    return "{mine}: this folder of NOVAFLOW_COMPONENTS_PATH is not a folder; create it or change NOVAFLOW_COMPONENTS_PATH"


def empty(mine: Path) -> str:
    """Remove the only component."""
    (mine / "downloads.py").write_text("COMPONENTS = ()\n")
    return "{mine}: no module in this folder of NOVAFLOW_COMPONENTS_PATH defines COMPONENT; add one or change NOVAFLOW_COMPONENTS_PATH"


def duplicate_component(mine: Path) -> str:
    """Name the component as one of the workflows folder."""
    (mine / "downloads.py").write_text(COMPONENT.format(name="web"))
    return "{mine}/downloads.py: component 'web' is also defined in {workflows}/components/web.py; rename one of them"


def duplicate_alias(mine: Path) -> str:
    """Name the component as an alias of another one."""
    (mine / "downloads.py").write_text(COMPONENT.format(name="httpd"))
    return "{mine}/downloads.py: component 'httpd' is also defined in {workflows}/components/web.py; rename one of them"


def duplicate_setting(mine: Path) -> str:
    """Declare a setting that novaflow has."""
    (mine / "downloads.py").write_text(SETTINGS.format(field="screen_name", group="Mine"))
    return "{mine}/downloads.py: setting SCREEN_NAME is also defined in {novaflow}/settings/core.py; rename one of them"


def wrong_settings(mine: Path) -> str:
    """Declare a class that is not a group of settings."""
    (mine / "downloads.py").write_text(SETTINGS.format(field="mine", group="str"))
    return "{mine}/downloads.py: str is not a SettingsGroup"


def setting_without_values(mine: Path) -> str:
    """Declare a setting that does not say which values it allows."""
    (mine / "downloads.py").write_text(SETTINGS.format(field="mine: str = ''\n    other", group="Mine"))
    return "{mine}/downloads.py: setting MINE does not name its values; annotate it with Allowed(...)"


@pytest.mark.parametrize(
    "change",
    [
        remove,
        replace_by_file,
        empty,
        duplicate_component,
        duplicate_alias,
        duplicate_setting,
        wrong_settings,
        setting_without_values,
    ],
)
async def test_an_invalid_folder_is_rejected(toy: Toy, mine: Path, change: Callable[[Path], str]) -> None:
    """The error names the folder or the file and what to change, and nothing is changed."""
    expected = change(mine).format(mine=mine, workflows=toy.workflows, novaflow=Path(__file__).parents[2] / "novaflow")
    result = await toy.call("up")
    assert (result.code, result.err) == (2, f"novaflow: {expected}\n")
    assert [*toy.root.iterdir()] == [toy.root / ".env"]
