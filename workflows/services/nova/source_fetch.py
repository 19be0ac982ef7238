"""Fetching source trees: git, Debian's brz, the registry; each into a folder that is not there yet."""

import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from novaflow.errors import MachineError, ProgramFailed, UsageError
from novaflow.model.context import Context
from novaflow.settings import repository_environment
from workflows.platform.python_env import UV
from workflows.services.nova.checkout import BRZ, GIT, remember_fetched
from workflows.services.nova.source_address import Address, Kind

Take = Callable[[str], None]  # a line of what a program says

_QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}  # there is nobody to answer
_PERCENT = re.compile(r"(?P<what>[A-Z][a-z]+ \w+): +(?P<percent>\d+)%")
_COMPLAINT = re.compile(r"\b(ERROR|error|fatal): ")  # among what brz tells of itself before it says what it lacks
# What is made while it runs is none of its changes.
_EXCLUDED = "__pycache__/\n*.egg-info/\n"


async def fetch_tree(ctx: Context, address: Address, target: Path) -> None:
    """Make the folder ``target`` hold what is at the address.

    Raises: UsageError, if there is nothing of that name; MachineError, if it is out of reach.
    """
    complaints: list[str] = []

    def take(line: str) -> None:
        found = _PERCENT.search(line)
        ctx.report(found["what"] if found else line.strip(), int(found["percent"]) / 100 if found else None)
        if _COMPLAINT.search(line):
            complaints.append(line.strip())

    try:
        await _FETCHERS[address.kind](ctx, address, target, take)
    except ProgramFailed as error:
        said = ("\n".join(complaints) or error.log_tail).replace(address.place, address.safe_place)
        if "Remote branch" in said and "not found" in said:
            raise UsageError(f"there is no branch and no tag {address.ref!r} in {address.safe_place}") from error
        message = f"{address.shown} cannot be fetched; look at the address and at the network, or name another source:\n{said}"
        raise MachineError(message) from error


async def _clone(ctx: Context, address: Address, target: Path, take: Take) -> None:
    chosen = ("--branch", address.ref) if address.ref else ()
    words = ("clone", "--progress", "--depth", "1", "-c", "advice.detachedHead=false", *chosen, "--", address.place, target)
    await ctx.run(*GIT, *words, env=repository_environment() | _QUIET, on_line=take)
    await remember_fetched(ctx, target)


async def _branch(ctx: Context, address: Address, target: Path, take: Take) -> None:
    await ctx.run(*BRZ, "branch", address.place, target, env=repository_environment(), on_line=take)
    await remember_fetched(ctx, target)


async def _unpack(ctx: Context, address: Address, target: Path, take: Take) -> None:
    target.mkdir()
    words = ("tool", "run", "pip", "download", "--no-deps", "--no-binary", ":all:", "--dest", target, f"nova=={address.place}")
    await ctx.run(UV, *words, env=repository_environment(), on_line=take)
    (archive,) = target.glob("nova-*.tar.gz")
    await ctx.run("tar", "--extract", "--strip-components=1", "--no-same-owner", "--file", archive, "--directory", target)
    archive.unlink()
    git = (*GIT, "-C", target)
    await ctx.run(*git, "init", "--quiet", "--initial-branch", "main")
    await ctx.write(target / ".git" / "info" / "exclude", _EXCLUDED)
    await ctx.run(*git, "add", "--all")
    author = ("-c", "user.name=novaflow", "-c", "user.email=novaflow@localhost")
    await ctx.run(*git, *author, "commit", "--quiet", "--message", f"nova {address.place}, as released")
    await remember_fetched(ctx, target)


async def _link(_: Context, address: Address, target: Path, __: Take) -> None:
    target.symlink_to(address.place)


_FETCHERS: Mapping[Kind, Callable[[Context, Address, Path, Take], Awaitable[None]]] = {
    Kind.GIT: _clone,
    Kind.BAZAAR: _branch,
    Kind.PYPI: _unpack,
    Kind.CHECKOUT: _link,
}
