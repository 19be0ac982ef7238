"""apt and dpkg: packages of Debian and the distributions derived from it."""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from novaflow.errors import MachineError, ProgramFailed
from novaflow.model.context import Context
from novaflow.model.software import Software
from novaflow.model.step import Skipped
from novaflow.settings import apt_environment
from workflows.platform.debian_software import find_packages

LOCK_WITHIN_S = 300  # a machine that has just booted may run unattended upgrades
STATUS = Path("/var/lib/dpkg/status")
INTERRUPTED = Path("/var/lib/dpkg/updates")
POLICY = Path("/usr/sbin/policy-rc.d")  # Source: /usr/share/doc/init-system-helpers/README.policy-rc.d.gz
FORBID_START = "#!/bin/sh\n# novaflow is installing packages and starts their services itself.\nexit 101\n"
NON_INTERACTIVE = {
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBCONF_NONINTERACTIVE_SEEN": "true",
    "APT_LISTCHANGES_FRONTEND": "none",
    # In Ubuntu 24.04 and newer it restarts the machine's own services. Source: needrestart's program apt-pinvoke
    "NEEDRESTART_SUSPEND": "1",
}
# apt closes the descriptor of its status before it runs package scripts, and these need standard output: hence 3, not 1.
STATUS_TO_STDOUT = 'umask 022; exec apt-get "$@" 3>&1'  # other users read the files of packages
# Makes the folder $0 a repository. Without the `%3a` of a version in a file's name, which apt would read as a colon.
INDEX = r"""
cd "$0"
for archive in *%3a*.deb; do [ ! -e "$archive" ] || mv "$archive" "$(printf %s "$archive" | sed s/%3a/-/)"; done
for archive in *.deb; do
    dpkg-deb --field "$archive"
    printf 'Filename: ./%s\nSize: %s\nSHA256: ' "$archive" "$(stat --format=%s "$archive")"
    sha256sum "$archive" | sed 's/ .*//;G'
done >Packages
rm -rf lock partial status
"""
OPTIONS = (
    "APT::Status-Fd=3",
    f"DPkg::Lock::Timeout={LOCK_WITHIN_S}",
    "Dpkg::Use-Pty=0",
    "Dpkg::Options::=--force-confold",
    "Acquire::Retries=3",
)
DOWNLOAD_FAILED = "Debian packages cannot be downloaded; check the network, the proxy and the sources of apt"
# What apt prints, and what it means for the user.
ERRORS = {
    "Could not get lock": f"another program held the lock of apt for {LOCK_WITHIN_S} s; wait until it has finished and try again",
    "No space left": "the disk is full; free disk space and run `novaflow install` again, which continues where it stopped",
    "enough free space": "the disk is full; free disk space and run `novaflow install` again, which continues where it stopped",
    "Could not resolve": DOWNLOAD_FAILED,
    "Could not connect": DOWNLOAD_FAILED,
    "Unable to connect": DOWNLOAD_FAILED,
    "Unable to locate package": DOWNLOAD_FAILED,
}


@dataclass(frozen=True, slots=True)
class Apt:
    """The package manager of Debian; see ``PackageManager``. ``policy`` is the program that package scripts ask before a start.

    ``status`` is dpkg's list of packages. ``updating`` lets one step at a time look whether the package lists are complete.
    """

    policy: Path = POLICY
    status: Path = STATUS
    updating: anyio.Lock = field(default_factory=anyio.Lock, compare=False)

    async def install(self, ctx: Context, names: tuple[str, ...]) -> Skipped | str:
        """Install the missing packages in one transaction, and do not start their services."""
        missing = await _find_missing(ctx, names)
        if not missing:
            return Skipped(f"all {len(names)} packages are installed")
        await self._update_lists(ctx, missing)
        before = await _find_installed(ctx)
        await _install_without_start(ctx, missing, self.policy)
        await _disable_services(ctx, await _find_installed(ctx) - before)
        return f"installed {len(missing)} packages and their dependencies"

    async def download(self, ctx: Context, names: Sequence[str], alone: Sequence[str], folder: Path) -> None:
        """Download packages into a new folder, with all that they need on an empty system, and write its index."""
        shutil.rmtree(folder, ignore_errors=True)
        await ctx.write(folder / "status", "")
        await self._update_lists(ctx, (*names, *alone))
        empty = (f"Dir::State::status={folder / 'status'}", f"Dir::Cache::archives={folder}", "Debug::NoLocking=true")
        options = (word for option in empty for word in ("-o", option))
        await _apt_get(ctx, *options, "--download-only", "--no-install-recommends", "install", *names)
        if alone:
            await _download(ctx, alone, folder)
        await ctx.run("sh", "-ec", INDEX, folder)

    async def unpack(self, ctx: Context, names: tuple[str, ...], folder: Path) -> None:
        """Download packages and unpack them into a new folder, without installing them."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        await self._update_lists(ctx, names)
        await _download(ctx, names, folder)
        for archive in folder.glob("*.deb"):
            await ctx.run("dpkg-deb", "--extract", archive, folder)
            archive.unlink()

    def find_software(self, names: tuple[str, ...], os_release: Mapping[str, str]) -> Iterator[Software]:
        """Yield those of the packages that are installed."""
        return find_packages(names, self.status, os_release)

    async def find_dependencies(self, ctx: Context, name: str, prefixes: tuple[str, ...]) -> Sequence[str]:
        """Return the packages that a metapackage needs, and those that these need, whose names have one of the prefixes."""
        await self._update_lists(ctx, (name,))
        depends = re.compile(rf"Depends: ((?:{'|'.join(map(re.escape, prefixes))})\S+)")
        found: list[str] = []
        latest = [name]
        while latest:
            shown = await ctx.run("apt-cache", "depends", "--important", *latest, ok=(0, 100), env=apt_environment())
            latest = [one for one in dict.fromkeys(depends.findall(shown)) if one not in found]
            found += latest
        if not found:
            raise MachineError(f"apt has no {' or '.join(prefixes)} for {name}; check the sources of apt")
        return found

    async def _update_lists(self, ctx: Context, names: Sequence[str]) -> None:
        """Download the package lists if they lack one of the packages: a new machine has no lists."""
        async with self.updating:
            shown = await ctx.run("apt-cache", "show", "--no-all-versions", *names, ok=(0, 100), env=apt_environment())
            if len(re.findall(r"^Package: ", shown, re.MULTILINE)) < len(names):
                await _apt_get(ctx, "update")


async def _download(ctx: Context, names: Sequence[str], folder: Path) -> None:
    """Download packages into a folder, without what they need."""
    # As root apt downloads as another user, who may not write into the folder.
    script = 'cd "$0" && exec apt-get -qq -o APT::Sandbox::User=root download "$@"'
    try:
        await ctx.run("sh", "-c", script, folder, *names, env=apt_environment())
    except ProgramFailed as error:
        message = f"{', '.join(names)} cannot be downloaded; check the network and the sources of apt:\n{error.log_tail}"
        raise MachineError(message) from error


async def _find_missing(ctx: Context, names: tuple[str, ...]) -> tuple[str, ...]:
    installed = await _find_installed(ctx, *names)
    return tuple(name for name in names if name not in installed)


async def _find_installed(ctx: Context, *names: str) -> set[str]:
    """Return the installed packages; those of the given names if there are any."""
    shown = await ctx.run("dpkg-query", "--show", "--showformat", "${db:Status-Abbrev}${Package}\n", *names, ok=(0, 1))
    return {line[3:] for line in shown.splitlines() if line.startswith("ii ")}


async def _install_without_start(ctx: Context, missing: tuple[str, ...], policy: Path) -> None:
    creates_policy = not policy.exists()
    if creates_policy:
        await ctx.write(policy, FORBID_START, 0o755)
    try:
        if any(INTERRUPTED.iterdir()):  # apt refuses to work until an interrupted transaction is completed
            await ctx.run("dpkg", "--configure", "-a", env=NON_INTERACTIVE)
        await _install(ctx, missing)
    finally:
        if creates_policy:
            policy.unlink(missing_ok=True)


async def _install(ctx: Context, missing: tuple[str, ...]) -> None:
    words = ("install", "--no-install-recommends", *missing)
    try:
        await _apt_get(ctx, *words)
    except ProgramFailed as error:
        if "404" not in error.log_tail:
            raise
        # Lists from before the last point release name packages that the mirror has removed.
        await _apt_get(ctx, "update")
        await _apt_get(ctx, *words)


async def _disable_services(ctx: Context, installed: set[str]) -> None:
    """Disable the services of these packages at boot: they would take the ports of the stack's own."""
    if not installed or shutil.which("systemctl") is None:
        return
    files = await ctx.run("dpkg-query", "--listfiles", *installed)
    paths = [Path(line) for line in files.splitlines()]
    units = {path.name for path in paths if path.parent.match("systemd/system") and path.suffix == ".service"}
    units |= {f"{path.name}.service" for path in paths if path.parent == Path("/etc/init.d")}  # systemd wraps init scripts
    if units:
        await ctx.run("systemctl", "--no-reload", "disable", *sorted(units))


async def _apt_get(ctx: Context, *words: str) -> None:
    options = (word for option in OPTIONS for word in ("-o", option))
    argv = ("sh", "-c", STATUS_TO_STDOUT, "apt-get", "--yes", "--quiet", *options, *words)
    try:
        await ctx.run(*argv, env={**NON_INTERACTIVE, **apt_environment()}, on_line=lambda line: _report(ctx, line))
    except ProgramFailed as error:
        for printed, message in ERRORS.items():
            if printed in error.log_tail:
                raise MachineError(f"{message}:\n{error.log_tail}") from error
        raise


def _report(ctx: Context, line: str) -> None:
    """Report the progress that a line of apt's output states; the download counts for 30 %, the installation for 70 %."""
    # "pmstatus:PACKAGE:PERCENT:TEXT", "dlstatus:INDEX:PERCENT:TEXT". Source: apt's README.progress-reporting
    if line.startswith(("pmstatus:", "dlstatus:")):
        kind, _, percent, text = [*line.split(":", 3), "", "", ""][:4]
        if re.fullmatch(r"[0-9.]+", percent):
            ctx.report(text.strip(), float(percent) / 100 * 0.7 + 0.3 if kind == "pmstatus" else float(percent) / 100 * 0.3)
    elif "Waiting for cache lock" in line:
        ctx.report(f"{line.strip()}; waiting for {LOCK_WITHIN_S} s at most")
