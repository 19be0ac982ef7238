"""What machines check of the code itself."""

import sys
from pathlib import Path

import anyio
import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent


@pytest.fixture
def anyio_backend() -> str:
    """One is enough for who only starts processes."""
    return "asyncio"


@pytest.mark.slow
@pytest.mark.timeout(300)  # mypy without its cache, on a busy machine
@pytest.mark.parametrize(
    "words",
    [("ruff", "check"), ("ruff", "format", "--check"), ("mypy",), ("lint-imports",)],
    ids=" ".join,
)
async def test_the_code_passes(words: tuple[str, ...]) -> None:
    """Style, form, types and the direction of imports: what the program complains of is in the message."""
    with anyio.fail_after(280):
        ended = await anyio.run_process([str(PROGRAMS / words[0]), *words[1:]], check=False, cwd=ROOT)
    assert ended.returncode == 0, ended.stdout.decode() + ended.stderr.decode()
