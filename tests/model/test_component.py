"""What a component declares."""

from pathlib import Path

import pytest

from novaflow.model.component import Component, no_urls
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from novaflow.model.step import ConcurrencyPool, Step, always, step
from novaflow.model.workflow import Workflow, holds_never, no_broker, not_before_run

ROOT = Path("/stack")


def test_everything_lies_in_the_stacks_folder() -> None:
    """Files of a stack are where the contract says."""
    paths = Paths(ROOT)
    assert (paths.etc, paths.log, paths.data, paths.run) == (ROOT / "etc", ROOT / "log", ROOT / "data", ROOT / "run")
    assert (paths.venv, paths.credentials) == (ROOT / "venv", ROOT / "credentials")
    assert (paths.journal, paths.control) == (ROOT / "journal.jsonl", ROOT / "run/control.sock")


def test_a_step_is_named_like_its_function() -> None:
    """The decorator makes a value of what it decorates, and registers nothing."""

    @step(within_s=5, needs=("database",), pool=ConcurrencyPool.CPU)
    async def _sync_schema(_: Context) -> None:
        """Bring the tables to head.

        Nobody reads this line.
        """

    assert (_sync_schema.name, _sync_schema.within_s, _sync_schema.needs, _sync_schema.pool) == (
        "sync-schema",
        5,
        ("database",),
        ConcurrencyPool.CPU,
    )
    assert _sync_schema.summary == "Bring the tables to head."


def test_a_step_without_a_docstring_is_refused() -> None:
    """Operators read the first line, so there must be one."""

    async def mute(_: Context) -> None: ...

    with pytest.raises(TypeError, match="step mute has no docstring"):
        step(within_s=1)(mute)


def test_a_step_made_by_hand_may_be_mute() -> None:
    """A body without a docstring has nothing to say to operators."""

    async def mute(_: Context) -> None: ...

    assert Step("mute", mute, within_s=1).summary == ""


def test_a_workflow_and_a_component_by_default() -> None:
    """By default there is always something to do, nothing is missing, nobody is told, and users reach nothing."""
    settings, workflow = Settings(), Workflow("run", "Run it.")
    assert (workflow.already, workflow.unmet, workflow.broker) == (holds_never, holds_never, no_broker)
    assert Component("web", "A toy.").urls is no_urls
    assert always(settings)
    assert holds_never(settings, Paths(ROOT), ()) is None
    assert not not_before_run(settings)
    assert no_broker(settings, str.upper) == ""
    assert no_urls(settings) == {}
