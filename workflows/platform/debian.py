"""Debian's packages that are only looked into: fetched and unpacked, never installed."""

import shutil
from pathlib import Path

from novaflow.errors import MachineError, ProgramFailed
from novaflow.model.context import Context


async def unpack_package(ctx: Context, name: str, folder: Path) -> None:
    """Fetch a package and unpack it into a folder, which is made anew.

    Raises: MachineError, if apt cannot fetch it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        # As root apt would drop its privileges for the download, into a folder that is ours alone.
        await ctx.run("sh", "-c", 'cd "$0" && exec apt-get -qq -o APT::Sandbox::User=root download "$1"', folder, name)
    except ProgramFailed as error:
        message = f"{name} cannot be fetched; look at the network and at apt's sources:\n{error.log_tail}"
        raise MachineError(message) from error
    archive = next(folder.glob("*.deb"))
    await ctx.run("dpkg-deb", "--extract", archive, folder)
    archive.unlink()
