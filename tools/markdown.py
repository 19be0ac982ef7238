"""Text as Markdown, for the pages that programs write."""

import re
from collections.abc import Iterable, Iterator, Sequence

GENERATED = "<!-- Written by `python -m tools`. -->\n"

_CODE = re.compile(r"(`[^`]*`)")
_SPECIAL = re.compile(r"([*\[\]<|\\])")


def escape(text: str) -> str:
    """Return text that Markdown shows as it is; code between backticks stays code."""
    parts = _CODE.split(" ".join(text.replace("``", "`").split()))
    return "".join(part if part.startswith("`") else _SPECIAL.sub(r"\\\1", part) for part in parts)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table; the cells are Markdown."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
