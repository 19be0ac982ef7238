"""Credentials as shell exports."""

import shlex
from pathlib import Path

import anyio
import pytest

from novaflow.errors import UsageError
from novaflow.runtime.settings_report import export_credentials

NASTY = 'a\'b "c" $(exit 1) `exit 2` \\ # ü *'


@pytest.mark.parametrize("shell", ["bash", "dash"])
async def test_shells_read_the_exact_value(tmp_path: Path, shell: str) -> None:
    """Bash and dash get every character of a value, and execute none of it."""
    (tmp_path / "openrc").write_text(f"export OS_PASSWORD={shlex.quote(NASTY)}\n")
    script = 'eval "$1"; printf "%s\\n" "$OS_PASSWORD"'
    answer = await anyio.run_process([shell, "-euc", script, shell, "\n".join(export_credentials(tmp_path / "openrc"))])
    assert answer.stdout.decode() == f"{NASTY}\n"


def test_exports_of_an_openrc_are_quoted_again(tmp_path: Path) -> None:
    """Comments and other commands of the file are dropped."""
    (tmp_path / "openrc").write_text(f"# mine\nexport OS_PASSWORD={shlex.quote(NASTY)}\nrm -rf /nowhere\n\nexport A=1 B=2  # two\n")
    assert [*export_credentials(tmp_path / "openrc")] == [f"export OS_PASSWORD={shlex.quote(NASTY)}", "export A=1", "export B=2"]


def test_a_missing_openrc_has_no_exports(tmp_path: Path) -> None:
    """A stack that was never run has no credentials, which is not an error."""
    assert [*export_credentials(tmp_path / "openrc")] == []


@pytest.mark.parametrize("content", [b"export A='b\n", b"\xff"])
def test_an_invalid_openrc_is_refused(tmp_path: Path, content: bytes) -> None:
    """The error names the file, and nothing of it is exported."""
    (tmp_path / "openrc").write_bytes(content)
    with pytest.raises(UsageError, match="openrc is not a file that novaflow wrote: "):
        [*export_credentials(tmp_path / "openrc")]


def test_an_unreadable_openrc_is_refused(tmp_path: Path) -> None:
    """The error has the system's reason."""
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        [*export_credentials(tmp_path)]
