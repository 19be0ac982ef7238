"""Debian's packages, installed with apt and kept from starting services."""

import re
import shutil
from pathlib import Path

from novaflow.errors import MachineError, ProgramFailed
from novaflow.model.context import Context
from novaflow.model.step import Skipped

LOCK_WITHIN_S = 300  # another apt may be at work on a machine that has just booted
INTERRUPTED = Path("/var/lib/dpkg/updates")
POLICY = Path("/usr/sbin/policy-rc.d")  # Debian's own way to forbid package scripts to start services
FORBID = "#!/bin/sh\n# novaflow is installing packages; it starts what it needs itself.\nexit 101\n"
NON_INTERACTIVE = {"DEBIAN_FRONTEND": "noninteractive", "DEBCONF_NONINTERACTIVE_SEEN": "true", "APT_LISTCHANGES_FRONTEND": "none"}


async def install_packages(ctx: Context, wanted: tuple[str, ...]) -> Skipped | str:
    """Install what is missing of these packages, in one transaction.

    Raises: MachineError, if they cannot be fetched, another apt does not end, or the disk is full.
    """
    missing = await _find_missing(ctx, wanted)
    if not missing:
        return Skipped(f"all {len(wanted)} packages are installed")
    await _refresh_lists(ctx, missing)
    before = await _find_installed(ctx)
    is_ours = not POLICY.exists()
    if is_ours:
        await ctx.write(POLICY, FORBID, 0o755)
    try:
        if any(INTERRUPTED.iterdir()):  # apt refuses to go on where somebody ended it half way
            await ctx.run("dpkg", "--configure", "-a", env=NON_INTERACTIVE)
        await _install(ctx, missing)
    finally:
        if is_ours:
            POLICY.unlink(missing_ok=True)
    await _keep_from_booting(ctx, await _find_installed(ctx) - before)
    return f"installed {len(missing)} packages and what they need"


async def _find_missing(ctx: Context, wanted: tuple[str, ...]) -> tuple[str, ...]:
    installed = await _find_installed(ctx, *wanted)
    return tuple(package for package in wanted if package not in installed)


async def _find_installed(ctx: Context, *among: str) -> set[str]:
    """Return the packages that are installed, of all or of those named."""
    known = await ctx.run("dpkg-query", "--show", "--showformat", "${db:Status-Abbrev}${Package}\n", *among, ok=(0, 1))
    return {line[3:] for line in known.splitlines() if line.startswith("ii ")}


async def _refresh_lists(ctx: Context, missing: tuple[str, ...]) -> None:
    """Fetch the package lists where they do not know what is missing: an empty machine has none."""
    shown = await ctx.run("apt-cache", "show", "--no-all-versions", *missing, ok=(0, 100))
    if len(re.findall(r"^Package: ", shown, re.MULTILINE)) < len(missing):
        await _apt(ctx, "update")


async def _install(ctx: Context, missing: tuple[str, ...]) -> None:
    words = ("install", "--no-install-recommends", *missing)
    try:
        await _apt(ctx, *words)
    except ProgramFailed as error:
        if "404" not in error.log_tail:
            raise
        # Lists older than the last point release name packages that are gone.
        await _apt(ctx, "update")
        await _apt(ctx, *words)


async def _keep_from_booting(ctx: Context, installed: set[str]) -> None:
    """Let the services that came along stay down at the next boot too: they want the ports of the stack's own."""
    if shutil.which("systemctl") is None:
        return
    files = await ctx.run("dpkg-query", "--listfiles", *installed)
    paths = [Path(line) for line in files.splitlines()]
    units = {path.name for path in paths if path.parent.match("systemd/system") and path.suffix == ".service"}
    units |= {f"{path.name}.service" for path in paths if path.parent == Path("/etc/init.d")}  # older ones, which systemd wraps
    if units:
        await ctx.run("systemctl", "--no-reload", "disable", *sorted(units))


async def _apt(ctx: Context, *words: str) -> None:
    def take(line: str) -> None:
        # "pmstatus:PACKAGE:PERCENT:TEXT", "dlstatus:INDEX:PERCENT:TEXT". Source: apt's README.progress-reporting
        if line.startswith(("pmstatus:", "dlstatus:")):
            kind, _, percent, text = [*line.split(":", 3), "", "", ""][:4]
            if re.fullmatch(r"[0-9.]+", percent):
                ctx.report(text.strip(), float(percent) / 100 * 0.7 + 0.3 if kind == "pmstatus" else float(percent) / 100 * 0.3)
        elif "Waiting for cache lock" in line:
            ctx.report(f"{line.strip()}; for {LOCK_WITHIN_S} s at most")

    # apt closes the descriptor it tells its status on before it starts package scripts, and they need their standard output.
    options = (
        "APT::Status-Fd=3",
        f"DPkg::Lock::Timeout={LOCK_WITHIN_S}",
        "Dpkg::Use-Pty=0",
        "Dpkg::Options::=--force-confold",
        "Acquire::Retries=3",
    )
    try:
        await ctx.run(
            "sh",
            "-c",
            'exec apt-get "$@" 3>&1',
            "apt-get",
            "--yes",
            "--quiet",
            *(word for option in options for word in ("-o", option)),
            *words,
            env=NON_INTERACTIVE,
            on_line=take,
        )
    except ProgramFailed as error:
        if "Could not get lock" in error.log_tail:
            message = f"apt's lock was held by another for {LOCK_WITHIN_S} s; let it end and try again:\n{error.log_tail}"
            raise MachineError(message) from error
        if "No space left" in error.log_tail or "enough free space" in error.log_tail:
            message = f"the disk is full; make room and run `novaflow install` again, it goes on where it stopped:\n{error.log_tail}"
            raise MachineError(message) from error
        if "Could not resolve" in error.log_tail or "Unable to locate package" in error.log_tail:
            message = f"Debian's packages cannot be fetched; look at the network and at apt's sources:\n{error.log_tail}"
            raise MachineError(message) from error
        raise
