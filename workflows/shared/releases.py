"""The releases a stack is made of, and how they get into an environment of their own."""

import sys
from pathlib import Path

from novaflow.errors import MachineError, ProgramFailed
from novaflow.model.component import Context, Skipped
from novaflow.settings import registry_environment

CONSTRAINTS = Path(__file__).parent.parent / "constraints" / "openstack.txt"
EC2_CONSTRAINTS = CONSTRAINTS.with_name("ec2.txt")
DEBIAN_PYTHON = Path("/usr/bin/python3")  # Debian's libvirt binding fits this one
UV = Path(sys.executable).with_name("uv")


async def install_releases(ctx: Context, venv: Path, constraints: Path) -> Skipped | str:
    """Make the environment hold what the constraints pin, each with its hash.

    Raises: MachineError, if the registry is out of reach or the disk is full.
    """
    wanted = constraints.read_text()
    kept = venv / "novaflow-constraints.txt"
    if kept.exists() and kept.read_text() == wanted:
        return Skipped("every release is installed as pinned")
    await ctx.run(UV, "venv", "--quiet", "--allow-existing", "--python", DEBIAN_PYTHON, venv)
    try:
        await ctx.run(
            UV,
            "pip",
            "install",
            "--python",
            venv / "bin" / "python",
            "--require-hashes",
            "--requirements",
            constraints,
            env=registry_environment(),
            on_line=lambda line: ctx.report(line.strip()) if line.strip() else None,
        )
    except ProgramFailed as error:
        if any(sign in error.last_lines for sign in ("Failed to fetch", "error sending request", "dns error", "Connection refused")):
            message = f"Python's packages cannot be fetched; look at the network, at UV_INDEX_URL and PIP_INDEX_URL:\n{error.last_lines}"
            raise MachineError(message) from error
        if "No space left" in error.last_lines:
            message = f"the disk is full; make room and run `novaflow install` again:\n{error.last_lines}"
            raise MachineError(message) from error
        raise
    await ctx.write(kept, wanted)
    return f"{wanted.count('==')} releases, each with its hash"
