"""`scrub`: removes what a stack left after a crash of its supervisor."""

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
    """Bring the stack up, kill its supervisor, delete its records, and return the processes that run on."""
    supervisor = await (await toy.ready()).supervisor()
    (web,) = find_processes(ProcessOwner(toy.paths, "web"))
    supervisor.kill()
    await toy.wait_released()
    shutil.rmtree(toy.paths.run / "pids")
    return web


async def test_a_dry_run_changes_nothing(toy: Toy) -> None:
    """It lists the running process and the unused socket."""
    web = await crash(toy)
    result = await toy.call("scrub", "--dry-run", "--json")
    assert result.code == 0
    found = {one["kind"]: one["name"] for one in result.json}
    assert found["process"] == str(web.pid)
    assert found["socket"] == str(toy.paths.control)
    assert web.is_running()
    assert toy.paths.control.exists()
    assert "would be removed" in (await toy.call("scrub", "--dry-run")).out
    assert (await toy.call("clean")).code == 0


async def test_scrub_removes_what_is_left(toy: Toy) -> None:
    """The output lists it, the status is stopped, and the stack can be brought up again."""
    web = await crash(toy)
    result = await toy.call("scrub")
    assert (result.code, result.err) == (0, "")
    assert f"process    {web.pid}" in result.out
    assert find_processes(ProcessOwner(toy.paths)) == ()
    assert [path.name for path in toy.paths.run.iterdir()] == ["stack.lock"]
    assert (await toy.call("status")).code == 6
    assert (await toy.call("scrub")).out.endswith("nothing to remove\n")
    assert json.loads((await toy.call("scrub", "--json")).out) == []
    await toy.ready()


async def test_scrub_rejects_a_running_stack(toy: Toy) -> None:
    """`clean` stops it in order."""
    result = await (await toy.ready()).call("scrub")
    assert result.code == 2
    assert "`novaflow clean` stops it" in result.err
    assert (await toy.call("status")).code == 0


async def test_scrub_accepts_a_missing_stack(toy: Toy) -> None:
    """There is nothing to remove, and no folder is created."""
    assert (await toy.call("scrub")).out == f"there is no stack in {toy.root}\n"
    assert not toy.root.exists()


async def test_a_clean_up_has_a_time_limit(toy: Toy) -> None:
    """SIGTERM ends the stack although a clean-up step never ends; the next `clean` reports the step."""
    toy.write("components/stuck.py", STUCK)
    toy.write("clean.py", CLEAN)
    supervisor = await (await toy.ready()).supervisor()
    with anyio.fail_after(WITHIN_S):
        supervisor.terminate()
        await toy.wait_released()
    assert find_processes(ProcessOwner(toy.paths)) == ()
    result = await toy.call("clean")
    assert (result.code, result.err) == (3, "novaflow: clean was stopped: not done after 1 s\n")
