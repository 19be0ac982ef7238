"""`novaflow env`: what a shell evaluates."""

import shlex
from pathlib import Path

import anyio
import pytest
from pydantic import SecretStr

from novaflow.errors import UsageError
from novaflow.runtime.settings_report import export_credentials, export_settings
from tests.support.settings import make_settings
from tests.support.toys import Novaflow

NASTY = 'a\'b "c" $(exit 1) `exit 2` \\ # ü *'


@pytest.mark.parametrize("shell", ["bash", "dash"])
async def test_shells_read_what_was_meant(shell: str) -> None:
    """Whatever a value holds, bash and dash end up with it, and run none of it."""
    exports = "\n".join(export_settings(make_settings(mysql_pass=SecretStr(NASTY), novaflow_services=("a", "b"))))
    script = 'eval "$1"; printf "%s\\n" "$MYSQL_PASS" "$NOVAFLOW_SERVICES" "$USE_MYSQL" "[$INTERFACE]"'
    answer = await anyio.run_process([shell, "-euc", script, shell, exports])
    assert answer.stdout.decode().splitlines() == [NASTY, "a,b", "1", "[]"]


def test_credentials_are_the_openrc_files(tmp_path: Path) -> None:
    """Exports are passed on, quoted anew; comments and other commands are not."""
    (tmp_path / "openrc").write_text(f"# mine\nexport OS_PASSWORD={shlex.quote(NASTY)}\nrm -rf /nowhere\n\nexport A=1 B=2  # two\n")
    assert [*export_credentials(tmp_path / "openrc")] == [f"export OS_PASSWORD={shlex.quote(NASTY)}", "export A=1", "export B=2"]


def test_a_stack_without_credentials_has_none(tmp_path: Path) -> None:
    """Before the first run there is no openrc, and that is no error."""
    assert [*export_credentials(tmp_path / "openrc")] == []


@pytest.mark.parametrize(
    ("content", "said"), [(b"export A='b\n", "is not a file that novaflow wrote"), (b"\xff", "is not a file that novaflow wrote")]
)
def test_a_spoilt_openrc_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    """A file that somebody spoilt is named, and nothing of it is passed on."""
    (tmp_path / "openrc").write_bytes(content)
    with pytest.raises(UsageError, match=said):
        [*export_credentials(tmp_path / "openrc")]


def test_a_folder_is_no_openrc(tmp_path: Path) -> None:
    """What cannot be read is refused with the system's reason."""
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        [*export_credentials(tmp_path)]


def test_settings_come_before_credentials(call: Novaflow, stack: Path) -> None:
    """One command prints both."""
    (stack / "credentials").mkdir()
    (stack / "credentials/openrc").write_text("export OS_USERNAME=admin\n")
    lines = call("env").output.splitlines()
    assert (lines[0], lines[-1]) == ("export HOST_IP=127.0.0.1", "export OS_USERNAME=admin")
