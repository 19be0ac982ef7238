"""`scrub`: what is left of a stack whose supervisor was killed, with all that it knew."""

import json
import shutil

import anyio
import psutil
import pytest

from novaflow.adapters.process import ProcessOwner, find_processes
from tests.system.toy import WITHIN_S, Toy

pytestmark = pytest.mark.slow

STUCK = """
from novaflow.model.component import Component
from novaflow.model.step import step


@step(within_s=600)
async def remove(ctx):
    \"\"\"Remove it, which takes for ever.\"\"\"
    await ctx.run("sleep", "600")


COMPONENT = Component("stuck", "What will not go.", {"clean": (remove,)})
"""
CLEAN = """
from novaflow.model.workflow import Workflow

WORKFLOW = Workflow("clean", "What the toy leaves.", within_s=1)
"""


async def crash(toy: Toy) -> psutil.Process:
    """Bring it up, kill its supervisor, remove its notes, and return what runs on."""
    supervisor = await (await toy.ready()).supervisor()
    (web,) = find_processes(ProcessOwner(toy.paths, "web"))
    supervisor.kill()
    await toy.wait_let_go()
    shutil.rmtree(toy.paths.run / "pids")
    return web


async def test_a_dry_run_lists_and_changes_nothing(toy: Toy) -> None:
    """The program that runs on, and the socket nobody listens at any more."""
    web = await crash(toy)
    said = await toy.call("scrub", "--dry-run", "--json")
    assert said.code == 0
    found = {one["kind"]: one["name"] for one in said.json}
    assert found["process"] == str(web.pid)
    assert found["socket"] == str(toy.paths.control)
    assert web.is_running()
    assert toy.paths.control.exists()
    assert "would be removed" in (await toy.call("scrub", "--dry-run")).out
    assert (await toy.call("clean")).code == 0


async def test_what_was_left_is_gone(toy: Toy) -> None:
    """It says what it was, status knows, and the stack can be brought up again."""
    web = await crash(toy)
    said = await toy.call("scrub")
    assert (said.code, said.err) == (0, "")
    assert f"process    {web.pid}" in said.out
    assert find_processes(ProcessOwner(toy.paths)) == ()
    assert [path.name for path in toy.paths.run.iterdir()] == ["stack.lock"]
    assert (await toy.call("status")).code == 6
    assert (await toy.call("scrub")).out.endswith("nothing to remove\n")
    assert json.loads((await toy.call("scrub", "--json")).out) == []
    await toy.ready()


async def test_a_stack_that_is_up_is_left_alone(toy: Toy) -> None:
    """`clean` ends it in order."""
    said = await (await toy.ready()).call("scrub")
    assert said.code == 2
    assert "`novaflow clean` stops it" in said.err
    assert (await toy.call("status")).code == 0


async def test_scrub_of_nothing_is_done(toy: Toy) -> None:
    """There is nothing to remove, which is no error, and looking leaves no trace."""
    assert (await toy.call("scrub")).out == f"there is no stack in {toy.root}\n"
    assert not toy.root.exists()


async def test_what_cannot_be_removed_keeps_no_supervisor(toy: Toy) -> None:
    """A clean-up that never ends is cut off: SIGTERM ends the stack, and whoever tries again is told what it was."""
    toy.write("components/stuck.py", STUCK)
    toy.write("clean.py", CLEAN)
    supervisor = await (await toy.ready()).supervisor()
    with anyio.fail_after(WITHIN_S):
        supervisor.terminate()
        await toy.wait_let_go()
    assert find_processes(ProcessOwner(toy.paths)) == ()
    said = await toy.call("clean")
    assert (said.code, said.err) == (3, "novaflow: clean was stopped: not done after 1 s\n")
