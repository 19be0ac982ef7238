"""A process that becomes another program."""

import json
import os
import sys
from pathlib import Path

import anyio
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
BECOME = """
import os, sys
from pathlib import Path
from novaflow.adapters.process import replace_process
kept, closed = os.open("/dev/null", os.O_RDONLY), os.open("/dev/null", os.O_RDONLY)
print(os.getpid(), flush=True)
inspect = "import json, os, sys; print(json.dumps([os.getpid(), sys.stdin.read(), sorted(map(int, os.listdir('/proc/self/fd')))[:-1]]))"
error = "; sys.stderr.write('an error' + chr(10))"
replace_process([sys.executable, "-IS", "-c", inspect + error], output=Path(sys.argv[1]), keep=[kept])
"""


async def become(output: Path) -> tuple[int, bytes]:
    """Run a process that replaces itself, and return its exit code and what it has printed before."""
    ended = await anyio.run_process([sys.executable, "-c", BECOME, str(output)], input=b"not for it", check=False, cwd=ROOT)
    return ended.returncode, ended.stdout


async def test_the_program_has_the_same_process(tmp_path: Path) -> None:
    """It appends both outputs to the log, reads nothing, and inherits only what it should keep."""
    (tmp_path / "log").write_text("before\n")
    code, printed = await become(tmp_path / "log")
    before, *lines = (tmp_path / "log").read_text().splitlines()
    pid, read, descriptors = json.loads(next(line for line in lines if line.startswith("[")))
    assert (code, before, pid, read) == (0, "before", int(printed), "")
    assert "an error" in lines
    assert descriptors[:3] == [0, 1, 2]
    assert len(descriptors) == 4


async def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """Another user may have created it."""
    (tmp_path / "log").symlink_to(tmp_path / "other")
    code, _ = await become(tmp_path / "log")
    assert code != 0
    assert not os.path.lexists(tmp_path / "other")
