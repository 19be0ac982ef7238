"""What is in a source tree that is nowhere else."""

import os
from pathlib import Path

from novaflow.errors import UsageError
from novaflow.model.context import Context

# A tree may be somebody else's: git would not look into it.
GIT = ("git", "-c", "safe.directory=*")
BRZ = ("env", f"PATH={os.defpath}", "brz")  # the system's Python runs it, not the stack's
_FETCHED = "refs/novaflow/fetched"
_FETCHED_FILE = Path(".bzr", "novaflow-fetched")
_SHOWN = 10  # changes that are named one by one


async def remember_fetched(ctx: Context, tree: Path) -> None:
    """Note that what the tree holds now came from elsewhere."""
    if (tree / ".git").exists():
        await ctx.run(*GIT, "-C", tree, "update-ref", _FETCHED, "HEAD")
    else:
        await ctx.write(tree / _FETCHED_FILE, await _revision(ctx, tree))


async def find_unsaved(ctx: Context, tree: Path) -> tuple[str, ...]:
    """Return what would be lost with the tree, a line each: changes, commits that were not pushed, stashes.

    A link to somebody's own checkout holds nothing itself.
    """
    if tree.is_symlink():
        return ()
    if (tree / ".git").exists():
        git = (*GIT, "-C", tree)
        changes = await ctx.run(*git, "status", "--porcelain")
        commits = await ctx.run(*git, "log", "--oneline", "HEAD", "--branches", "--not", "--remotes", "--glob=refs/novaflow")
        stashes = await ctx.run(*git, "stash", "list")
        found = _name("changed", changes) + _name("not pushed", commits) + _name("stashed", stashes)
    elif (tree / ".bzr").exists():
        changes = await ctx.run(*BRZ, "status", "--short", tree)
        last, noted = await _revision(ctx, tree), (tree / _FETCHED_FILE).read_text()
        found = _name("changed", changes) + (_name("not pushed", last) if last != noted else ())
    else:
        found = (f"{tree} itself: it is under no version control, so that nobody can tell what was changed",)
    return found[:_SHOWN] + ((f"and {len(found) - _SHOWN} more",) if len(found) > _SHOWN else ())


def _name(what: str, printed: str) -> tuple[str, ...]:
    return tuple(f"{what}: {line.strip()}" for line in printed.splitlines() if line.strip())


async def _revision(ctx: Context, tree: Path) -> str:
    return (await ctx.run(*BRZ, "version-info", "--custom", "--template={revision_id}", tree)).strip()


def require_nova(tree: Path, shown: str) -> None:
    """Return if it is a source tree of Nova's.

    Raises: UsageError, saying what is missing.
    """
    missing = [name for name in ("nova/version.py", "requirements.txt", "setup.cfg") if not (tree / name).is_file()]
    if missing:
        raise UsageError(f"{shown} is no source tree of Nova's: it has no {' and no '.join(missing)}")
