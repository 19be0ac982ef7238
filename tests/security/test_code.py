"""Another user, or a folder that was copied from one, runs code as root."""

# ruff: noqa: S603, S607, TID251 - tests start novaflow and nova.sh

import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from novaflow.settings import load_settings
from novaflow.settings.trust import trusted_users
from tests.security.attacker import NAME, give_away
from tests.system.toy import Toy

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NAMES = ("secrets", "structlog", "venv", "ensurepip", "pip", "uv", "novaflow", "encodings", "sitecustomize")


def plant_modules(folder: Path, traces: Path) -> None:
    """Write modules with the names of those that novaflow uses; each leaves a file when it is imported."""
    for name in NAMES:
        (folder / f"{name}.py").write_text(f"open({str(traces / name)!r}, 'w').close()\nraise ImportError('innocent')\n")


@pytest.fixture
def traces(shared: Path) -> Path:
    """Return an empty folder, in which the code of the attacker leaves files."""
    traces = shared / "traces"
    traces.mkdir()
    return traces


async def test_settings_of_another_user_are_refused(toy: Toy) -> None:
    """The error names the file, its owner and its mode, and no setting of it has an effect."""
    env = toy.folder / ".env"
    env.write_text("SCREEN_NAME=theirs\n")
    give_away(env)
    result = await toy.call("config")
    assert result.code == 2
    assert f"{env} belongs to {NAME} and has the mode 0644; its owner must be root (uid 0)" in result.err


async def test_settings_that_others_may_write_are_refused(toy: Toy) -> None:
    """The file in DIR, too."""
    toy.root.mkdir()
    env = toy.root / ".env"
    env.write_text("SCREEN_NAME=theirs\n")
    env.chmod(0o666)
    result = await toy.call("config")
    assert result.code == 2
    assert f"chmod go-w {env}" in result.err


@pytest.mark.parametrize("name", ["NOVAFLOW_WORKFLOWS", "NOVAFLOW_COMPONENTS_PATH", "NOVAFLOW_ON_READY", "NOVAFLOW_ON_FAILED"])
async def test_the_current_folder_names_no_code(toy: Toy, name: str) -> None:
    """A `.env` in a folder that was copied from another person starts nothing; the error says where the setting belongs."""
    (toy.folder / ".env").write_text(f"{name}=mine\n")
    result = await toy.call("config")
    message = f"{name} (./.env line 1) names code to run; set it in {toy.root}/.env, the environment or on the command line"
    assert (result.code, result.err) == (2, f"novaflow: {message}\n")


async def test_the_folder_of_the_stack_may_name_code(toy: Toy) -> None:
    """DIR belongs to the user of the stack."""
    toy.root.mkdir()
    (toy.root / ".env").write_text("NOVAFLOW_ON_READY=true\n")
    assert (await toy.call("config", "--json")).json["NOVAFLOW_ON_READY"] == {"value": "true", "origin": "nova/.env line 1"}


def test_the_checkout_may_name_code(tmp_path: Path) -> None:
    """Its `.env` is as trusted as its programs."""
    env = ROOT / ".env"
    if env.exists():
        pytest.skip("the checkout has settings of its own")
    env.write_text("NOVAFLOW_ON_READY=true\n")
    try:
        assert load_settings(tmp_path, environ={}, cwd=ROOT).origins["NOVAFLOW_ON_READY"] == "./.env line 1"
    finally:
        env.unlink()


@pytest.mark.parametrize("place", ["components/web.py", "components", "."])
async def test_components_of_another_user_do_not_run(toy: Toy, traces: Path, place: str) -> None:
    """A module, its folder and the folder of all components belong to trusted users."""
    toy.write("components/evil.py", f"open({str(traces / 'evil')!r}, 'w').close()\nCOMPONENT = None\n")
    path = (toy.workflows / place).resolve()
    give_away(path)
    result = await toy.call("up")
    assert result.code == 2
    assert f"{path} belongs to {NAME}" in result.err
    assert [*traces.iterdir()] == []


async def test_components_beside_files_of_others_do_not_run(toy: Toy) -> None:
    """Python looks for modules in the folder above a folder of components: /tmp is none, although it is sticky."""
    toy.folder.chmod(0o1777)
    result = await toy.call("config")
    assert result.code == 2
    assert f"chmod go-w {toy.folder}" in result.err


async def test_modules_in_the_current_folder_do_not_run(toy: Toy, traces: Path) -> None:
    """The supervisor and the commands import their own modules; a supervisor works in /."""
    plant_modules(toy.folder, traces)
    up = await anyio.run_process([Path(sys.executable).with_name("novaflow"), "up"], cwd=toy.folder, env=toy.env, check=False)
    assert (up.returncode, [*traces.iterdir()]) == (0, []), up
    assert (await toy.supervisor()).cwd() == "/"


def test_modules_in_the_current_folder_do_not_run_in_nova_sh(shared: Path, traces: Path) -> None:
    """It creates its environment without them, too; here until pip has no index."""
    checkout, current = shared / "checkout", shared / "current"
    checkout.mkdir()
    current.mkdir()
    plant_modules(current, traces)
    (checkout / "nova.sh").write_text((ROOT / "nova.sh").read_text())
    (checkout / "pyproject.toml").write_text("[project]\nname = 'nothing'\n")
    (checkout / "requirements").symlink_to(ROOT / "requirements")
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(shared), "PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0"}
    done = subprocess.run(
        ["sh", checkout / "nova.sh", "up"], cwd=current, env=environment, capture_output=True, check=False, text=True, timeout=60
    )
    assert "pip cannot install uv" in done.stderr
    assert [*traces.iterdir()] == []


def test_the_caller_of_sudo_is_trusted() -> None:
    """Root, the owner of the checkout and the user who called sudo; an invalid number adds no one."""
    assert trusted_users({"SUDO_UID": "1000"}) == trusted_users({}) | {1000}
    assert trusted_users({"SUDO_UID": "-1"}) == trusted_users({}) == {0, ROOT.stat().st_uid}
