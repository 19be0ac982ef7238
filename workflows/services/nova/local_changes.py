"""Local changes in a source tree, which would be lost if the tree was replaced."""

import os
from pathlib import Path

from novaflow.errors import UsageError
from novaflow.model.context import Context

# git refuses to read a tree that belongs to another user.
GIT = ("git", "-c", "safe.directory=*")
BRZ = ("env", f"PATH={os.defpath}", "brz")  # the system's Python runs it, not the stack's
_FETCHED = "refs/novaflow/fetched"
_FETCHED_FILE = Path(".bzr", "novaflow-fetched")
_LISTED = 10  # changes that an error lists


async def record_fetched(ctx: Context, tree: Path) -> None:
    """Record the current revision as one that exists elsewhere."""
    if (tree / ".git").exists():
        await ctx.run(*GIT, "-C", tree, "update-ref", _FETCHED, "HEAD")
    else:
        await ctx.write(tree / _FETCHED_FILE, await _revision(ctx, tree))


async def find_local_changes(ctx: Context, tree: Path) -> tuple[str, ...]:
    """Return one line for each changed file, unpushed commit and stash.

    A symbolic link to a checkout contains none.
    """
    if tree.is_symlink():
        return ()
    if (tree / ".git").exists():
        found = await _find_in_git(ctx, tree)
    elif (tree / ".bzr").exists():
        found = await _find_in_bazaar(ctx, tree)
    else:
        found = (f"{tree} is under no version control, so its changes cannot be determined",)
    return found[:_LISTED] + ((f"and {len(found) - _LISTED} more",) if len(found) > _LISTED else ())


async def _find_in_git(ctx: Context, tree: Path) -> tuple[str, ...]:
    git = (*GIT, "-C", tree)
    changes = await ctx.run(*git, "status", "--porcelain")
    commits = await ctx.run(*git, "log", "--oneline", "HEAD", "--branches", "--not", "--remotes", "--glob=refs/novaflow")
    stashes = await ctx.run(*git, "stash", "list")
    return _label("changed", changes) + _label("not pushed", commits) + _label("stashed", stashes)


async def _find_in_bazaar(ctx: Context, tree: Path) -> tuple[str, ...]:
    changes = await ctx.run(*BRZ, "status", "--short", tree)
    revision, fetched = await _revision(ctx, tree), (tree / _FETCHED_FILE).read_text(encoding="utf-8")
    return _label("changed", changes) + (_label("not pushed", revision) if revision != fetched else ())


def _label(label: str, output: str) -> tuple[str, ...]:
    return tuple(f"{label}: {line.strip()}" for line in output.splitlines() if line.strip())


async def _revision(ctx: Context, tree: Path) -> str:
    return (await ctx.run(*BRZ, "version-info", "--custom", "--template={revision_id}", tree)).strip()


def require_nova(tree: Path, address: str) -> None:
    """Check that the folder is a source tree of nova.

    Raises: UsageError, with the files that are missing.
    """
    missing = [name for name in ("nova/version.py", "requirements.txt", "setup.cfg") if not (tree / name).is_file()]
    if missing:
        raise UsageError(f"{address} is not a source tree of nova: {', '.join(missing)} not found")
