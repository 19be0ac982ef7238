"""The limit of open files is set, and not inherited.

Done: `run` is called from a shell whose soft limit of open files is 256. How often: once.
Must hold: the supervisor and each service may open 65,536 files, or as many as the hard limit of the shell allows.
"""

import resource
import sys

import anyio
import psutil
import pytest

from tests.system.toy import WITHIN_S, Toy

pytestmark = pytest.mark.slow

DESCRIPTORS = 65_536
_, MOST = resource.getrlimit(resource.RLIMIT_NOFILE)


async def test_the_limit_is_not_inherited(toy: Toy) -> None:
    """It is the same for the supervisor and its services."""
    toy.installed()
    command = f"ulimit -Sn 256; exec {sys.executable} -m novaflow.cli.main run --wait-ready"
    with anyio.fail_after(WITHIN_S):
        await anyio.run_process(["sh", "-c", command], cwd=toy.folder, env=toy.env)
    (web,) = (await toy.status())["services"]
    for pid in (web["pid"], (await toy.supervisor()).pid):
        soft, hard = psutil.Process(pid).rlimit(psutil.RLIMIT_NOFILE)
        assert min(DESCRIPTORS, MOST) <= soft == hard <= DESCRIPTORS
