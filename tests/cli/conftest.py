"""A toy stack for commands that only look."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from novaflow.cli.main import novaflow
from tests.support.toys import Novaflow

WORKFLOW = """
from novaflow.model.workflow import Workflow

WORKFLOW = Workflow("run", "Everything.")
"""
COMPONENT = """
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import step


@step(within_s=1)
async def create(_: Context) -> None:
    \"\"\"Create it.\"\"\"


@step(within_s=1, needs=("toy.create",))
async def use(_: Context) -> None:
    \"\"\"Use it.\"\"\"


COMPONENT = Component("toy", "A toy.", {"run": (create, use)})
"""


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """Return the folder of a stack that was never run."""
    (tmp_path / "nova").mkdir()
    return tmp_path / "nova"


@pytest.fixture
def call(tmp_path: Path, stack: Path) -> Novaflow:
    """Return ``novaflow``, to be called with arguments on that stack and toy workflows."""
    # A package can be imported once a process: each test has one of its own name.
    workflows = tmp_path / tmp_path.name
    (workflows / "components").mkdir(parents=True)
    (workflows / "run.py").write_text(WORKFLOW)
    (workflows / "components/toy.py").write_text(COMPONENT)

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(novaflow, [*arguments, str(stack), "--set", f"NOVAFLOW_WORKFLOWS={workflows}"])

    return call
