"""Nova's source tree, where a stack runs from one instead of the release."""

import hashlib
import json
import shutil
from pathlib import Path

from novaflow.errors import UsageError
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import ConcurrencyPool, Skipped, step
from novaflow.model.workflow import Workflow
from workflows.platform.detect import find_distribution
from workflows.platform.python_env import CONSTRAINTS, install_with_uv, read_pins, site_packages
from workflows.platform.system_packages import SystemPackages
from workflows.services.nova.checkout import GIT, find_unsaved, require_nova
from workflows.services.nova.settings import NovaSettings
from workflows.services.nova.source_address import NOVA, Kind, read_address
from workflows.services.nova.source_fetch import fetch_tree

NOTES = Path(__file__).with_name("import_notes.py")  # lent to the environment
BAZAAR, LAUNCHPAD = SystemPackages(debian=("brz",)), SystemPackages(debian=("python3-launchpadlib",))
GIT_PACKAGE = SystemPackages(debian=("git",))
DESCRIBED_BY = ("pyproject.toml", "setup.cfg", "requirements.txt")  # what an installed tree looks like from outside


@step(within_s=600, pool=ConcurrencyPool.APT)
async def tool(ctx: Context) -> Skipped | str:
    """Install what fetches the tree, if it is not there."""
    address = read_address(ctx.arguments.get("source") or NOVA)
    match address.kind:
        case Kind.CHECKOUT:
            return Skipped("a checkout need not be fetched")
        case Kind.BAZAAR:
            return await find_distribution().install(ctx, BAZAAR, *((LAUNCHPAD,) if address.place.startswith("lp:") else ()))
        case Kind.GIT | Kind.PYPI:
            return Skipped("git is installed") if shutil.which("git") else await find_distribution().install(ctx, GIT_PACKAGE)


@step(needs=("source.tool",), pool=ConcurrencyPool.NET, within_s=1800)
async def fetch(ctx: Context) -> str:
    """Fetch the tree beside the old one, see whether it fits the releases, and put it in its place."""
    address = read_address(ctx.arguments.get("source") or NOVA)
    tree, beside, old = ctx.paths.source, ctx.paths.root / "source.new", ctx.paths.root / "source.old"
    if _is_there(old) and not _is_there(tree):
        old.rename(tree)  # killed between the two renames below
    await _refuse_loss(ctx, tree)
    _remove(beside)  # of one that was killed
    try:
        await fetch_tree(ctx, address, beside)
        require_nova(beside, address.shown)
        _refuse_conflicts(beside)
        _remove(old)
        if _is_there(tree):
            tree.rename(old)
        beside.rename(tree)
        _remove(old)
    finally:
        _remove(beside)
    _make_folders(ctx)
    return f"{tree} is {address.shown}"


async def _refuse_loss(ctx: Context, tree: Path) -> None:
    if not _is_there(tree):
        return
    if not ctx.arguments.get("force"):
        raise UsageError(f"{tree} is there already; --force replaces it")
    if unsaved := await find_unsaved(ctx, tree):
        listed = "\n".join(unsaved)
        raise UsageError(f"{tree} holds what is nowhere else; push it, or move the tree away:\n{listed}")


def _refuse_conflicts(tree: Path) -> None:
    from workflows.services.nova.conflicts import find_conflicts  # noqa: PLC0415 - each command would pay 25 ms for it

    pins = read_pins(CONSTRAINTS.read_text())
    if conflicts := find_conflicts((tree / "requirements.txt").read_text(), pins):
        listed = "\n".join(conflicts)
        advice = f"take a branch or a tag of the same series as nova {pins['nova']}, or change {CONSTRAINTS}"
        raise UsageError(f"the tree does not fit the releases a stack is made of; {advice}:\n{listed}")


def _make_folders(ctx: Context) -> None:
    """Make what nova.sh made beside the source: where servers' disks and networks are found."""
    for name, place in (("instances", ctx.settings.of(NovaSettings).instances_path), ("networks", ctx.paths.data / "neutron")):
        place.mkdir(parents=True, exist_ok=True)
        if not (ctx.paths.root / name).exists():
            (ctx.paths.root / name).symlink_to(place)


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _remove(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


@step(needs=("python.environment",), after=("source.fetch",), pool=ConcurrencyPool.NET, within_s=300)
async def editable(ctx: Context) -> Skipped | str:
    """Have the environment run nova from the tree, or, where there is none, as it was released."""
    tree, kept = ctx.paths.source, ctx.paths.venv / "novaflow-source.txt"
    runs_from_tree = await _runs_from_tree(ctx.paths.venv)
    if not tree.exists():
        if not runs_from_tree:
            return Skipped("there is no tree; nova is as released")
        await _install(ctx, "--reinstall-package", "nova", "--require-hashes", "--requirements", CONSTRAINTS)
        return "the tree is gone; nova is as released"
    wanted = _describe(tree) + NOTES.read_text()
    if runs_from_tree and kept.exists() and kept.read_text() == wanted:
        return Skipped(f"nova runs from {tree}")
    _refuse_conflicts(tree)
    await _install(ctx, "--no-deps", "--no-build-isolation", "--editable", tree)
    site = await site_packages(ctx, ctx.paths.venv)
    await ctx.write(site / f"{NOTES.stem}.py", NOTES.read_bytes(), 0o644)
    await ctx.write(site / f"{NOTES.stem}.pth", f"import {NOTES.stem}\n", 0o644)
    await ctx.write(kept, wanted)
    return f"nova runs from {tree}"


async def _install(ctx: Context, *words: str | Path) -> None:
    # pbr asks git for the version, and a tree may be somebody else's.
    trusting = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    named = {} if await _knows_version(ctx, ctx.paths.source) else {"PBR_VERSION": read_pins(CONSTRAINTS.read_text())["nova"]}
    await install_with_uv(ctx, ctx.paths.venv, *words, env=trusting | named)


async def _knows_version(ctx: Context, tree: Path) -> bool:
    """Return whether the tree says of which release it is; a shallow clone has no tags, and is called as the release it replaces."""
    if (tree / "PKG-INFO").exists():
        return True
    return (tree / ".git").exists() and bool(await ctx.run(*GIT, "-C", tree, "describe", "--tags", ok=(0, 128)))


async def _runs_from_tree(venv: Path) -> bool:
    """Return whether nova is installed as a link to a source tree. Source: PEP 610."""
    found = [*venv.glob("lib/python3*/site-packages/nova-*.dist-info/direct_url.json")]
    return any(json.loads(path.read_text()).get("dir_info", {}).get("editable", False) for path in found)


def _describe(tree: Path) -> str:
    """Return which tree it is, and what it looks like from outside: commands and requirements."""
    content = b"".join((tree / name).read_bytes() for name in DESCRIBED_BY if (tree / name).exists())
    return f"{tree.resolve()}\n{hashlib.sha256(content).hexdigest()}\n"


WORKFLOW = Workflow("branch", "A source tree of Nova's, and the environment that runs it.")

COMPONENT = Component(
    name="source",
    summary="Nova's source tree, where a stack runs from one.",
    parts={"branch": (tool, fetch, editable), "install": (editable,)},
)
