"""Linters and type checkers as tests."""

import sys
from pathlib import Path

import anyio
import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent


@pytest.fixture
def anyio_backend() -> str:
    """Return the one backend that starting processes needs."""
    return "asyncio"


@pytest.mark.slow
@pytest.mark.timeout(300)  # mypy without its cache, on a busy machine
@pytest.mark.parametrize(
    "argv",
    [("ruff", "check"), ("ruff", "format", "--check"), ("mypy",), ("lint-imports",)],
    ids=" ".join,
)
async def test_the_linter_passes(argv: tuple[str, ...]) -> None:
    """Style, formatting, types and the direction of imports are checked; the failure contains the output."""
    with anyio.fail_after(280):
        result = await anyio.run_process([str(PROGRAMS / argv[0]), *argv[1:]], check=False, cwd=ROOT)
    assert result.returncode == 0, result.stdout.decode() + result.stderr.decode()
