"""A clean-up that does not end."""

import anyio
import pytest

from novaflow.adapters.process.process_ownership import ProcessOwner, find_processes
from novaflow.errors import RunError
from novaflow.runtime.cleanup import clean_up_after_crash
from novaflow.runtime.orchestrator import open_orchestrator
from tests.support.programs import WITHIN_S
from tests.support.toy_stack import ToyStack


@pytest.mark.slow
async def test_a_clean_up_ends_within_its_limit(toy: ToyStack) -> None:
    """The workflow is stopped with its programs, and the stack is not reported as stopped."""
    toy.add_workflow("clean", "within_s=0.1")
    toy.add_step("clean", 'await ctx.run("sleep", "600")')
    toy.crash()
    stack = toy.open()
    with anyio.fail_after(WITHIN_S):
        async with open_orchestrator(stack, [], lambda *_: None) as orchestrator:
            with pytest.raises(RunError, match=r"^clean was stopped: not done after 0\.1 s$"):
                await clean_up_after_crash(orchestrator)
    assert find_processes(ProcessOwner(toy.paths)) == ()
    assert (toy.paths.run / "token").exists()


async def test_processes_of_the_stack_are_ended(toy: ToyStack) -> None:
    """Also those that no supervisor knows any more."""
    toy.crash()
    stack = toy.open()
    owner = ProcessOwner(toy.paths, "web")
    async with await anyio.open_process(["sleep", "600"], env={"PATH": "/usr/bin:/bin", **owner.marker}) as process:
        assert [one.pid for one in find_processes(owner)] == [process.pid]
        async with open_orchestrator(stack, [], lambda *_: None) as orchestrator:
            await clean_up_after_crash(orchestrator)
        assert find_processes(owner) == ()
