"""Fetches source trees with git, Bazaar or pip, each into a new folder."""

import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from novaflow.errors import MachineError, ProgramFailed, UsageError
from novaflow.model.context import Context
from novaflow.settings import repository_environment
from workflows.platform.python_env import UV
from workflows.services.nova.local_changes import BRZ, GIT, record_fetched
from workflows.services.nova.source_address import Address, Kind

OnLine = Callable[[str], None]  # receives a line of a program's output

_NON_INTERACTIVE = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
_PERCENT = re.compile(r"(?P<phase>[A-Z][a-z]+ \w+): +(?P<percent>\d+)%")
_ERROR = re.compile(r"\b(ERROR|error|fatal): ")  # brz prints a traceback after its error
# Files created by the run are ignored.
_EXCLUDED = "__pycache__/\n*.egg-info/\n"


async def fetch_tree(ctx: Context, address: Address, target: Path) -> None:
    """Fetch the source tree at the address into the folder ``target``, which must not exist.

    Raises: UsageError, if the branch or tag does not exist; MachineError, if the fetch fails for another reason.
    """
    errors: list[str] = []

    def report(line: str) -> None:
        found = _PERCENT.search(line)
        ctx.report(found["phase"] if found else line.strip(), int(found["percent"]) / 100 if found else None)
        if _ERROR.search(line):
            errors.append(line.strip())

    try:
        await _FETCHERS[address.kind](ctx, address, target, report)
    except ProgramFailed as error:
        output = ("\n".join(errors) or error.log_tail).replace(address.place, address.safe_place)
        if "Remote branch" in output and "not found" in output:
            raise UsageError(f"{address.safe_place} has no branch or tag {address.ref!r}") from error
        message = f"cannot fetch {address.shown}; check the address and the network, or use another source:\n{output}"
        raise MachineError(message) from error


async def _clone(ctx: Context, address: Address, target: Path, on_line: OnLine) -> None:
    branch = ("--branch", address.ref) if address.ref else ()
    arguments = ("clone", "--progress", "--depth", "1", "-c", "advice.detachedHead=false", *branch, "--", address.place, target)
    await ctx.run(*GIT, *arguments, env=repository_environment() | _NON_INTERACTIVE, on_line=on_line)
    await record_fetched(ctx, target)


async def _branch(ctx: Context, address: Address, target: Path, on_line: OnLine) -> None:
    await ctx.run(*BRZ, "branch", address.place, target, env=repository_environment(), on_line=on_line)
    await record_fetched(ctx, target)


async def _unpack(ctx: Context, address: Address, target: Path, on_line: OnLine) -> None:
    target.mkdir()
    arguments = ("tool", "run", "pip", "download", "--no-deps", "--no-binary", ":all:", "--dest", target, f"nova=={address.place}")
    await ctx.run(UV, *arguments, env=repository_environment(), on_line=on_line)
    (archive,) = target.glob("nova-*.tar.gz")
    await ctx.run("tar", "--extract", "--strip-components=1", "--no-same-owner", "--file", archive, "--directory", target)
    archive.unlink()
    await _commit_release(ctx, address, target)


async def _commit_release(ctx: Context, address: Address, tree: Path) -> None:
    """Put a released tree under version control, so that git finds local changes."""
    git = (*GIT, "-C", tree)
    await ctx.run(*git, "init", "--quiet", "--initial-branch", "main")
    await ctx.write(tree / ".git" / "info" / "exclude", _EXCLUDED)
    await ctx.run(*git, "add", "--all")
    author = ("-c", "user.name=novaflow", "-c", "user.email=novaflow@localhost")
    await ctx.run(*git, *author, "commit", "--quiet", "--message", f"nova {address.place}, as released")
    await record_fetched(ctx, tree)


async def _link(_: Context, address: Address, target: Path, __: OnLine) -> None:
    target.symlink_to(address.place)


_FETCHERS: Mapping[Kind, Callable[[Context, Address, Path, OnLine], Awaitable[None]]] = {
    Kind.GIT: _clone,
    Kind.BAZAAR: _branch,
    Kind.PYPI: _unpack,
    Kind.CHECKOUT: _link,
}
