"""What installs a stack, and writes bundles."""

from pathlib import Path

from novaflow.runtime.installer import write_bundle
from tests.support.supervisors import RecordingDisplay, ScriptedSupervisor, supervising
from tests.support.toy_stack import ToyStack


async def test_the_supervisor_of_a_stack_that_is_up_writes_the_bundle(toy: ToyStack, tmp_path: Path) -> None:
    """The command only waits for it."""
    async with supervising(ScriptedSupervisor(toy)) as supervisor:
        await write_bundle(toy.open(), tmp_path / "bundle.tar", RecordingDisplay())
    assert supervisor.requests == [f"run bundle file={tmp_path}/bundle.tar"]
