"""Watches a source tree and finds the services that import a changed module; the only importer of watchfiles."""

from collections.abc import AsyncIterator, Collection
from pathlib import Path

from watchfiles import PythonFilter, awatch

from novaflow.model.paths import Paths

SETTLE_MS = 300  # an editor writes a file in several operations, git writes hundreds of files


async def watch_modules(tree: Path) -> AsyncIterator[frozenset[str]]:
    """Yield the names of the modules that changed, as Python imports them, after each series of changes."""
    root = tree.resolve()  # noqa: ASYNC240 - once, a call to the kernel
    async for changes in awatch(root, watch_filter=PythonFilter(), debounce=SETTLE_MS, step=SETTLE_MS // 6, recursive=True):
        yield frozenset(name_module(Path(path).relative_to(root)) for _, path in changes)


def name_module(path: Path) -> str:
    """Return the name by which the file is imported, whose path is relative to the folder of the packages."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def find_importers(paths: Paths, modules: Collection[str]) -> frozenset[str]:
    """Return the nodes whose processes recorded an import of one of the modules."""
    notes = {note.name: set(note.read_text().splitlines()) for note in paths.imports.iterdir()}
    return frozenset(node for node, imported in notes.items() if imported & set(modules))
