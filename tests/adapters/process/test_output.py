"""What programs print: its end in memory, and its lines."""

import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaflow.adapters.process.output import Tail, read_lines, tolerant_writer
from tests.support.properties import EXAMPLES

ROOT = Path(__file__).parents[3]
CHUNKS = st.lists(st.binary(max_size=12))
LIMIT = """
import resource, sys
from novaflow.adapters.process import set_descriptor_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (64, int(sys.argv[1])))
set_descriptor_limit(int(sys.argv[2]))
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


async def read(chunks: Sequence[bytes]) -> tuple[list[str], bytes]:
    """Return the lines of these chunks, and what a sink has got."""
    lines, sunk = list[str](), list[bytes]()

    async def stream() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    await read_lines(stream(), [sunk.append], lines.append)
    return lines, b"".join(sunk)


@EXAMPLES
@given(CHUNKS, st.integers(min_value=1, max_value=20))
def test_a_tail_is_the_end_of_all_chunks(chunks: list[bytes], size: int) -> None:
    """It has as many bytes as it may have, however the output was split."""
    tail = Tail(size)
    for chunk in chunks:
        tail.append(chunk)
    assert tail.text == b"".join(chunks)[-size:].decode(errors="replace")


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([b"one\ntwo\n"], ["one", "two"]),
        ([b"on", b"e\nt", b"wo"], ["one", "two"]),
        ([b"10 %\r20 %\r", b"done\n"], ["10 %", "20 %", "done"]),
        ([b"\n\nx\n"], ["", "", "x"]),
        (["雲\n".encode()[:2], "雲\n".encode()[2:]], ["雲"]),
        ([b"\xff\n"], ["\N{REPLACEMENT CHARACTER}"]),
        ([], []),
    ],
)
async def test_lines_do_not_depend_on_chunks(chunks: list[bytes], expected: list[str]) -> None:
    """A carriage return ends a line of progress; a letter may be in two chunks; the sink gets every byte."""
    assert await read(chunks) == (expected, b"".join(chunks))


async def test_a_line_without_end_is_passed_on_in_pieces() -> None:
    """Memory is bounded: a piece has the limit of 64 KiB and the chunk that exceeds it."""
    lines, sunk = await read([b"x" * 40_000] * 4)
    assert [len(line) for line in lines] == [80_000, 80_000]
    assert len(sunk) == 160_000


def test_a_full_disk_does_not_stop_a_program() -> None:
    """What does not fit is lost."""
    with Path("/dev/full").open("wb", buffering=0) as full:
        tolerant_writer(full)(b"a line\n")


@pytest.mark.slow
@pytest.mark.parametrize(("hard", "wanted", "expected"), [(256, 128, "128 128"), (256, 256, "256 256")])
async def test_a_program_may_open_as_many_files_as_it_is_allowed(hard: int, wanted: int, expected: str) -> None:
    """Both limits are set: the programs that it starts inherit them."""
    ended = await anyio.run_process([sys.executable, "-c", LIMIT, str(hard), str(wanted)], cwd=ROOT)
    assert ended.stdout.decode().strip() == expected
