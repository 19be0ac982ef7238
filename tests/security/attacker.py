"""Another user of the machine, who has no rights of its own."""

# ruff: noqa: S603, TID251 - tests start known programs; the environment variable CI is read

import os
import pwd
import subprocess
from pathlib import Path

import pytest

UID = 65534
NAME = f"{pwd.getpwuid(UID).pw_name} (uid {UID})"
TIMEOUT_S = 60


def require_root() -> None:
    """Skip the test without the rights to act as another user; fail it in CI."""
    if os.geteuid() != 0:
        if os.environ.get("CI") == "true":
            pytest.fail("only root can act as another user, and CI must not skip")
        pytest.skip("only root can act as another user")


def attack(*argv: str | Path, group: str = "", cwd: Path = Path("/"), **env: str) -> subprocess.CompletedProcess[str]:
    """Run a program as the other user, who is in no group, or as a member of one; ``env`` is added to its environment."""
    groups = f"--groups={group}" if group else "--clear-groups"
    command = ["setpriv", f"--reuid={UID}", f"--regid={UID}", groups, "--", *argv]
    return subprocess.run(
        command, capture_output=True, check=False, cwd=cwd, text=True, timeout=TIMEOUT_S, env={"PATH": "/usr/bin:/bin", **env}
    )


def give_away(path: Path) -> None:
    """Make the other user the owner."""
    os.chown(path, UID, UID, follow_symlinks=False)


def find_readable(folder: Path) -> set[str]:
    """Return the paths in the folder, relative to it, whose mode allows anything to other users; the mode of a link means nothing."""
    command = ["find", str(folder), "!", "-type", "l", "-perm", "/077", "-printf", "%P\\n"]
    found = subprocess.run(command, capture_output=True, check=True, text=True, timeout=TIMEOUT_S)
    return {*found.stdout.splitlines()}
