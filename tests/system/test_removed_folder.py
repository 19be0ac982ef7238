"""The folder of a stack is removed while the stack is up."""

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress

import psutil
import pytest

from novaflow.adapters.process import ProcessOwner, find_processes
from tests.support.programs import is_running, wait_until
from tests.system.toy import Toy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
async def supervisor(toy: Toy) -> AsyncIterator[psutil.Process]:
    """Return the supervisor of a stack whose folder was removed; it is killed after the test."""
    supervisor = await (await toy.ready()).supervisor()
    shutil.rmtree(toy.root)
    yield supervisor
    with suppress(psutil.NoSuchProcess):
        supervisor.kill()
    await wait_until(lambda: not is_running(supervisor.pid))


async def test_clean_ends_a_stack_without_its_folder(toy: Toy, supervisor: psutil.Process) -> None:
    """Neither the supervisor nor a service is left; only the next `clean` says that there is no stack."""
    result = await toy.call("clean")
    assert (result.code, result.err) == (0, "")
    assert "there is no stack" not in result.out
    assert not is_running(supervisor.pid)
    assert find_processes(ProcessOwner(toy.paths)) == ()
    shutil.rmtree(toy.root)
    assert (await toy.call("clean")).out == f"there is no stack in {toy.root}\n"


async def test_scrub_ends_a_stack_without_its_folder(toy: Toy, supervisor: psutil.Process) -> None:
    """A dry run lists the supervisor and the service, and creates no folder."""
    (web,) = find_processes(ProcessOwner(toy.paths))
    listed = await toy.call("scrub", "--dry-run", "--json")
    assert {one["name"] for one in json.loads(listed.out)} == {str(supervisor.pid), str(web.pid)}
    assert is_running(supervisor.pid)
    assert not toy.root.exists()
    result = await toy.call("scrub")
    assert (result.code, result.err) == (0, "")
    assert f"process    {supervisor.pid}" in result.out
    assert not is_running(supervisor.pid)
    assert find_processes(ProcessOwner(toy.paths)) == ()


async def test_clean_ends_a_supervisor_whose_folder_was_created_again(toy: Toy, supervisor: psutil.Process) -> None:
    """It would otherwise restart the services that `clean` ends."""
    toy.installed()
    assert (await toy.call("install")).code == 0
    assert (await toy.call("clean")).code == 0
    assert not is_running(supervisor.pid)
    assert find_processes(ProcessOwner(toy.paths)) == ()
