"""The fenced shell blocks of the documentation and the marker before each of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))

_BLOCK = re.compile(r"(?:^<!-- (?P<marker>[^\n]*) -->\n)?^```(?:sh|bash|shell)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_RUN = re.compile(r"test: run(?:; exit codes (?P<codes>\d+(?:, \d+)*))?")
_SKIP = re.compile(r"not tested here: (?P<reason>[^;]+)(?:; covered by (?P<test>\S+))?")


@dataclass(frozen=True, slots=True)
class ShellBlock:
    """One block; ``line`` is where it begins, ``marker`` is empty if there is none."""

    page: Path
    line: int
    marker: str
    text: str

    @property
    def place(self) -> str:
        """Return the page and the line."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def exit_codes(self) -> frozenset[int]:
        """Return the exit codes that are expected of a block that is run; empty if it is not run."""
        found = _RUN.fullmatch(self.marker)
        return frozenset(map(int, (found["codes"] or "0").split(", "))) if found else frozenset()

    @property
    def reason(self) -> str:
        """Return why the block is not run; empty if the marker does not say so."""
        found = _SKIP.fullmatch(self.marker)
        return found["reason"] if found else ""

    @property
    def covering_test(self) -> Path | None:
        """Return the file of the test that covers the block instead."""
        found = _SKIP.fullmatch(self.marker)
        return ROOT / found["test"] if found and found["test"] else None


def find_shell_blocks(page: Path, text: str) -> Iterator[ShellBlock]:
    """Yield the shell blocks of a page in their order."""
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start("text")) + 1
        yield ShellBlock(page, line, found["marker"] or "", found["text"])


def all_shell_blocks() -> tuple[ShellBlock, ...]:
    """Return the shell blocks of the whole documentation."""
    return tuple(block for page in PAGES for block in find_shell_blocks(page, page.read_text()))
