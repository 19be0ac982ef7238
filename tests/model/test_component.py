"""Values that components declare."""

from pathlib import Path

import pytest

from novaflow.model.component import Component, no_urls
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from novaflow.model.step import ConcurrencyPool, Step, always, step
from novaflow.model.workflow import Workflow, no_broker, no_reason, not_before_run

ROOT = Path("/stack")


def test_files_are_below_the_stacks_folder() -> None:
    """The files of a stack are where the contract says."""
    paths = Paths(ROOT)
    assert (paths.etc, paths.log, paths.data, paths.run) == (ROOT / "etc", ROOT / "log", ROOT / "data", ROOT / "run")
    assert (paths.venv, paths.credentials) == (ROOT / "venv", ROOT / "credentials")
    assert (paths.journal, paths.control) == (ROOT / "journal.jsonl", ROOT / "run/control.sock")


def test_a_step_is_named_after_its_function() -> None:
    """The decorator returns a value and registers nothing."""

    @step(within_s=5, needs=("database",), pool=ConcurrencyPool.CPU)
    async def _sync_schema(_: Context) -> None:
        """Bring the tables to head.

        No operator reads this line.
        """

    assert (_sync_schema.name, _sync_schema.within_s, _sync_schema.needs, _sync_schema.pool) == (
        "sync-schema",
        5,
        ("database",),
        ConcurrencyPool.CPU,
    )
    assert _sync_schema.summary == "Bring the tables to head."


def test_a_step_needs_a_docstring() -> None:
    """Operators read its first line."""

    async def mute(_: Context) -> None: ...

    with pytest.raises(TypeError, match="step mute has no docstring"):
        step(within_s=1)(mute)


def test_a_step_made_without_the_decorator_needs_none() -> None:
    """Its summary is empty."""

    async def mute(_: Context) -> None: ...

    assert Step("mute", mute, within_s=1).summary == ""


def test_defaults_of_a_workflow_and_a_component() -> None:
    """By default nothing is done already, nothing is missing, nothing is published, and no address is listed."""
    settings, workflow = Settings(), Workflow("run", "Run it.")
    assert (workflow.reason_done, workflow.reason_not_ready, workflow.broker) == (no_reason, no_reason, no_broker)
    assert Component("web", "A toy.").urls is no_urls
    assert always(settings)
    assert no_reason(settings, Paths(ROOT), ()) is None
    assert not not_before_run(settings, Paths(ROOT))
    assert no_broker(settings, str.upper) == ""
    assert no_urls(settings) == {}
