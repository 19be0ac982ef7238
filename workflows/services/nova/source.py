"""nova's source tree, which a stack can run instead of the release."""

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
from workflows.services.nova.local_changes import GIT, find_local_changes, require_nova
from workflows.services.nova.settings import NovaSettings
from workflows.services.nova.source_address import NOVA, Kind, read_address
from workflows.services.nova.source_fetch import fetch_tree

BAZAAR, LAUNCHPAD = SystemPackages(debian=("brz",)), SystemPackages(debian=("python3-launchpadlib",))
GIT_PACKAGE = SystemPackages(debian=("git",))
IMPORT_NOTES = Path(__file__).with_name("import_notes.py")  # copied into the stack's environment
METADATA_FILES = ("pyproject.toml", "setup.cfg", "requirements.txt")  # a change requires another installation


@step(within_s=600, pool=ConcurrencyPool.APT)
async def tool(ctx: Context) -> Skipped | str:
    """Install the program that fetches the source tree."""
    address = read_address(ctx.arguments.get("source") or NOVA)
    match address.kind:
        case Kind.CHECKOUT:
            return Skipped("a checkout is used in place")
        case Kind.BAZAAR:
            return await find_distribution().install(ctx, BAZAAR, *((LAUNCHPAD,) if address.place.startswith("lp:") else ()))
        case Kind.GIT | Kind.PYPI:
            return Skipped("git is installed") if shutil.which("git") else await find_distribution().install(ctx, GIT_PACKAGE)


@step(needs=("source.tool",), pool=ConcurrencyPool.NET, within_s=1800)
async def fetch(ctx: Context) -> str:
    """Fetch the source tree, check its requirements and replace the old tree."""
    address = read_address(ctx.arguments.get("source") or NOVA)
    tree, new, old = ctx.paths.source, ctx.paths.root / "source.new", ctx.paths.root / "source.old"
    if _exists(old) and not _exists(tree):
        old.rename(tree)  # an earlier fetch was killed between the two renames below
    await _require_replaceable(ctx, tree)
    _remove(new)  # an earlier fetch was killed
    try:
        await fetch_tree(ctx, address, new)
        require_nova(new, address.shown)
        _require_no_conflicts(new)
        _remove(old)
        if _exists(tree):
            tree.rename(old)
        new.rename(tree)
        _remove(old)
    finally:
        _remove(new)
    _link_folders(ctx)
    return f"{tree} is {address.shown}"


async def _require_replaceable(ctx: Context, tree: Path) -> None:
    if not _exists(tree):
        return
    if not ctx.arguments.get("force"):
        raise UsageError(f"{tree} already exists; --force replaces it")
    if changes := await find_local_changes(ctx, tree):
        listed = "\n".join(changes)
        raise UsageError(f"{tree} has local changes; push them or move the tree away:\n{listed}")


def _require_no_conflicts(tree: Path) -> None:
    from workflows.services.nova.requirement_conflicts import find_conflicts  # noqa: PLC0415 - the import takes 25 ms

    pins = read_pins(CONSTRAINTS.read_text(encoding="utf-8"))
    if conflicts := find_conflicts((tree / "requirements.txt").read_text(encoding="utf-8"), pins):
        listed = "\n".join(conflicts)
        advice = f"use a branch or tag of the same series as nova {pins['nova']}, or change {CONSTRAINTS}"
        raise UsageError(f"the tree's requirements conflict with the stack's pinned releases; {advice}:\n{listed}")


def _link_folders(ctx: Context) -> None:
    """Create the links that nova.sh created beside the source: to the disks and the networks of servers."""
    for name, place in (("instances", ctx.settings.of(NovaSettings).instances_path), ("networks", ctx.paths.data / "neutron")):
        place.mkdir(parents=True, exist_ok=True)
        if not (ctx.paths.root / name).exists():
            (ctx.paths.root / name).symlink_to(place)


def _exists(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _remove(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


@step(needs=("python.environment",), after=("source.fetch",), pool=ConcurrencyPool.NET, within_s=300)
async def editable(ctx: Context) -> Skipped | str:
    """Install nova from the source tree, or the release if there is no tree."""
    tree, installed = ctx.paths.source, ctx.paths.venv / "novaflow-source.txt"
    is_editable = _is_editable(ctx.paths.venv)
    if not tree.exists():
        if not is_editable:
            return Skipped("no source tree; nova is the release")
        await _install(ctx, "--reinstall-package", "nova", "--require-hashes", "--requirements", CONSTRAINTS)
        return "the source tree was removed; nova is the release"
    current = _fingerprint(tree) + IMPORT_NOTES.read_text(encoding="utf-8")
    if is_editable and installed.exists() and installed.read_text(encoding="utf-8") == current:
        return Skipped(f"nova runs from {tree}")
    _require_no_conflicts(tree)
    await _install(ctx, "--no-deps", "--no-build-isolation", "--editable", tree)
    await _install_import_notes(ctx)
    await ctx.write(installed, current)
    return f"nova runs from {tree}"


async def _install_import_notes(ctx: Context) -> None:
    site = await site_packages(ctx, ctx.paths.venv)
    await ctx.write(site / f"{IMPORT_NOTES.stem}.py", IMPORT_NOTES.read_bytes(), 0o644)
    await ctx.write(site / f"{IMPORT_NOTES.stem}.pth", f"import {IMPORT_NOTES.stem}\n", 0o644)


async def _install(ctx: Context, *arguments: str | Path) -> None:
    # pbr reads the version with git, which refuses to read a tree that belongs to another user.
    trusted = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    version = {} if await _has_version(ctx, ctx.paths.source) else {"PBR_VERSION": read_pins(CONSTRAINTS.read_text())["nova"]}
    await install_with_uv(ctx, ctx.paths.venv, *arguments, env=trusted | version)


async def _has_version(ctx: Context, tree: Path) -> bool:
    """Return whether pbr finds the version of the tree; a shallow clone without tags gets the version of the pinned release."""
    if (tree / "PKG-INFO").exists():
        return True
    return (tree / ".git").exists() and bool(await ctx.run(*GIT, "-C", tree, "describe", "--tags", ok=(0, 128)))


def _is_editable(venv: Path) -> bool:
    """Return whether nova is installed as a link to a source tree. Source: PEP 610."""
    found = venv.glob("lib/python3*/site-packages/nova-*.dist-info/direct_url.json")
    return any(json.loads(path.read_text(encoding="utf-8")).get("dir_info", {}).get("editable", False) for path in found)


def _fingerprint(tree: Path) -> str:
    """Return the path of the tree and the hash of the files that an installation depends on."""
    content = b"".join((tree / name).read_bytes() for name in METADATA_FILES if (tree / name).exists())
    return f"{tree.resolve()}\n{hashlib.sha256(content).hexdigest()}\n"


WORKFLOW = Workflow("branch", "Fetch a source tree of nova and install nova from it.")

COMPONENT = Component(
    name="source",
    summary="nova's source tree.",
    parts={"branch": (tool, fetch, editable), "install": (editable,)},
)
