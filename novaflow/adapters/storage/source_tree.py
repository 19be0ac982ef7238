"""Changes of a source tree, and the nodes that import the changed modules; the only module that imports watchfiles."""

from collections.abc import AsyncIterator, Collection
from pathlib import Path

from watchfiles import PythonFilter, awatch

from novaflow.model.paths import Paths

SETTLE_MS = 300  # an editor writes a file in several steps, git writes hundreds of files


async def watch_modules(tree: Path) -> AsyncIterator[frozenset[str]]:
    """Yield the names of the changed modules whenever no file has changed for ``SETTLE_MS``."""
    root = tree.resolve()  # noqa: ASYNC240 - one system call
    async for changes in awatch(root, watch_filter=PythonFilter(), debounce=SETTLE_MS, step=SETTLE_MS // 6, recursive=True):
        yield frozenset(name_module(Path(path).relative_to(root)) for _, path in changes)


def name_module(path: Path) -> str:
    """Return the name by which Python imports the file; ``path`` is relative to the folder of packages."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def find_importers(paths: Paths, modules: Collection[str]) -> frozenset[str]:
    """Return the nodes whose processes have imported one of the modules."""
    imported = {file.name: set(file.read_text(encoding="utf-8").splitlines()) for file in paths.imports.iterdir()}
    return frozenset(node for node, names in imported.items() if names & set(modules))
