"""What CONTRIBUTING.md promises to a new developer."""

# ruff: noqa: S603, TID251 - the programs are the tools of the environment

import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from tests.system.toy import Toy

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
PROGRAMS = Path(sys.executable).parent
FILE = re.compile(r"^<!-- file: (\S+) -->\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def anyio_backend() -> str:
    """Use one backend: the programs are processes."""
    return "asyncio"


@pytest.fixture
def port() -> int:
    """Return a port that is not in use."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number: int = listener.getsockname()[1]
    return number


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Toy]:
    """Return a stack without OpenStack; the supervisor has ended when the test is over."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        toy = Toy(tmp_path, listener.getsockname()[1])
    yield toy
    await toy.end()


@pytest.mark.slow
async def test_the_example_service_runs(stack: Toy, port: int) -> None:
    """The component of the walk-through, as written there, is in the graph, becomes ready, and shows its page and address."""
    ((name, text),) = FILE.findall(PAGE)
    assert "PORT = 8100\n" in text
    for parent in [*Path(name).parents][:-1]:
        stack.write(f"{parent}/__init__.py", "")
    (stack.workflows / name).write_text(text.replace("PORT = 8100\n", f"PORT = {port}\n"))
    graph = (await stack.call("graph", "run")).out
    assert "○ hello.configure" in graph
    assert re.search(r"● hello +← hello\.configure", graph)
    await stack.ready()
    status = (await stack.call("status", "--json")).json
    assert {"hello": "ready"}.items() <= {service["name"]: service["state"] for service in status["services"]}.items()
    assert status["url"]["hello"] == f"http://127.0.0.1:{port}/"
    assert (await stack.call("clean")).code == 0


@pytest.mark.slow
@pytest.mark.parametrize("command", ["check", "format --check"])
def test_the_example_passes_the_linter(tmp_path: Path, command: str) -> None:
    """The component of the walk-through, in a package with a docstring, follows the rules of this repository."""
    ((name, text),) = FILE.findall(PAGE)
    component = tmp_path / "workflows" / name
    component.parent.mkdir(parents=True)
    component.with_name("__init__.py").write_text('"""hello: an HTTP server with one page."""\n')
    component.write_text(text)
    argv = [str(PROGRAMS / "ruff"), *command.split(), "--config", str(ROOT / "pyproject.toml"), str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, check=False, cwd=ROOT, text=True, timeout=50)
    assert done.returncode == 0, done.stdout


def test_every_place_it_names_exists() -> None:
    """Paths in the table of questions name files or folders of the repository."""
    table = PAGE.partition("## Where things are")[2].partition("\n## ")[0]
    named = [path for path in re.findall(r"`((?:novaflow|workflows|tools|tests)/[^`]+)`", table) if not re.search("[A-Z]{4}", path)]
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.slow
def test_the_sessions_exist() -> None:
    """Nox offers each session of the table."""
    listed = subprocess.run([PROGRAMS / "nox", "--list"], capture_output=True, check=True, cwd=ROOT, text=True, timeout=50).stdout
    sessions = re.findall(r"^\| `nox -s (\w+)` \|", PAGE, re.MULTILINE)
    assert sessions
    assert sorted(re.findall(r"^[*-] (\w+) -> ", listed, re.MULTILINE)) == sorted(sessions)


@pytest.mark.slow
def test_hooks_are_programs_of_the_environment() -> None:
    """pre-commit accepts the configuration; each hook starts an installed program."""
    config = ROOT / ".pre-commit-config.yaml"
    subprocess.run([PROGRAMS / "pre-commit", "validate-config", config], check=True, cwd=ROOT, timeout=50)
    hooks = [hook for repo in yaml.safe_load(config.read_text())["repos"] for hook in repo["hooks"]]
    assert [hook["id"] for hook in hooks] == ["ruff-check", "ruff-format", "mypy", "lint-imports"]
    programs = [Path(hook["entry"].split()[0]) for hook in hooks]
    assert {program.parent for program in programs} == {Path(".venv/bin")}
    assert [program.name for program in programs if not (PROGRAMS / program.name).is_file()] == []


def test_the_forge_runs_quick_checks_and_then_everything() -> None:
    """The workflow of the forge runs sessions of nox and `.ci/run`."""
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    commands = {name: " ".join(step.get("run", "") for step in job["steps"]) for name, job in jobs.items()}
    assert "nox -s lint quick docs" in commands["quick"]
    assert commands["everything"].endswith(" .ci/run")
    assert jobs["everything"]["container"]["image"] == "debian:12"
    assert jobs["everything"]["needs"] == "quick"
