"""`bundle`: writes everything that an installation downloads into one file, from which machines without a network are installed."""

import shutil
import sys
from functools import partial
from pathlib import Path

from novaflow.errors import MachineError, ProgramFailed
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import ConcurrencyPool, step
from novaflow.model.workflow import Workflow
from novaflow.settings import PACKAGE, bundle_files, repository_environment
from workflows.platform.detect import find_distribution
from workflows.platform.python_env import CONSTRAINTS, DOWNLOAD_FAILED
from workflows.platform.requirements import PythonRequirements
from workflows.platform.system_packages import SystemPackages, UnpackedPackages

OWN_PACKAGES = SystemPackages(debian=("python3-venv", "ca-certificates"))  # of nova.sh
OWN_REQUIREMENTS = PACKAGE.with_name("requirements") / "runtime.txt"
PIP_DOWNLOAD = (sys.executable, "-I", "-m", "pip", "download", "--disable-pip-version-check", "--no-deps", "--require-hashes")
WORKFLOW = Workflow("bundle", "Everything that an installation downloads, in one file.", while_up=True, stops_with_request=True)


def _folder(ctx: Context) -> Path:
    return ctx.paths.data / "bundle"


@step(within_s=60)
async def start(ctx: Context) -> None:
    """Create an empty folder for the content of the bundle."""
    shutil.rmtree(_folder(ctx), ignore_errors=True)
    (_folder(ctx) / "lists" / "partial").mkdir(parents=True)
    for name, text in bundle_files().items():
        await ctx.write(_folder(ctx) / name, text)


@step(needs=("bundle.start",), pool=ConcurrencyPool.APT, within_s=1800)
async def packages(ctx: Context) -> str:
    """Download the system packages of all components, with all that they need on an empty system."""
    folder, distribution = _folder(ctx) / "packages", find_distribution()
    unpacked = ctx.declared(UnpackedPackages)
    # A metapackage too: it leads to the package that is unpacked.
    alone = [*distribution.resolve(*(each.packages for each in unpacked))]
    alone += [name for each in unpacked for name in await distribution.find_unpacked(ctx, each) if name not in alone]
    await distribution.manager.download(ctx, distribution.resolve(*ctx.declared(SystemPackages), OWN_PACKAGES), alone, folder)
    return f"{sum(1 for _ in folder.glob('*.deb'))} packages"


@step(needs=("bundle.start",), pool=ConcurrencyPool.NET, within_s=1800)
async def wheels(ctx: Context) -> str:
    """Download the Python packages of novaflow and of all components; each is checked against its hash."""
    folder = _folder(ctx) / "wheels"
    for file in (OWN_REQUIREMENTS, CONSTRAINTS, *(each.file for each in ctx.declared(PythonRequirements))):
        try:
            words = (*PIP_DOWNLOAD, "--dest", folder, "--requirement", file)
            await ctx.run(*words, env=repository_environment(), on_line=partial(_report, ctx))
        except ProgramFailed as error:
            raise MachineError(f"{DOWNLOAD_FAILED}:\n{error.log_tail}") from error
    return f"{sum(1 for _ in folder.iterdir())} packages"


def _report(ctx: Context, line: str) -> None:
    if line.startswith("Collecting "):
        ctx.report(" ".join(line.split()[:2]))


@step(needs=("bundle.packages", "bundle.wheels"), within_s=600)
async def write(ctx: Context) -> str:
    """Write the file, which replaces an older one when it is complete."""
    file = Path(ctx.arguments["file"])
    work = file.with_name(f"{file.name}.part")
    # The platform comes first: it is read without the rest.
    await ctx.run("tar", "--create", "--file", work, "--directory", _folder(ctx), *bundle_files(), "packages", "wheels", "lists")
    work.replace(file)
    shutil.rmtree(_folder(ctx))
    return f"{file}, {file.stat().st_size >> 20} MiB"


COMPONENT = Component(
    name="bundle",
    summary="One file with everything that an installation downloads.",
    parts={"bundle": (start, packages, wheels, write)},
)
