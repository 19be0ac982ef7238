"""The unit of systemd: what it contains, and what happens where there is none."""

import sys
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaflow.adapters.init_system import BootState, find_entries
from novaflow.adapters.init_system.systemd import SystemdUnit
from tests.support.properties import EXAMPLES
from tests.support.terminals import require_program

NASTY = r"""/srv/a %d$x'\t"q"""  # systemd gives these characters a meaning


def values(root: str, name: str) -> list[str]:
    """Return the values of a setting in the unit of the stack."""
    return [line.partition("=")[2] for line in SystemdUnit(Path(root)).text.splitlines() if line.startswith(f"{name}=")]


def words(value: str) -> list[str]:
    """Return the words of a value as systemd reads them. Source: systemd.syntax(7), quoting; systemd.unit(5), specifiers."""
    found, position = [], 0
    while position < len(value):
        assert value[position] == '"'
        word, position = "", position + 1
        while value[position] != '"':
            pair = value[position : position + 2]
            is_pair = pair in {"\\\\", '\\"', "%%"}
            assert is_pair or value[position] not in "\\%"
            word, position = word + pair[-1 if is_pair else 0], position + 1 + is_pair
        found.append(word)
        position += 2
    return found


def test_the_unit_starts_the_stack_in_its_folder() -> None:
    """The supervisor is the process of the unit; the colon prevents that systemd expands variables."""
    assert values("/srv/nova", "WorkingDirectory") == ["/srv"]
    assert values("/srv/nova", "ConditionPathIsDirectory") == ["/srv/nova"]
    (command,) = values("/srv/nova", "ExecStart")
    assert command[0] == ":"
    program = f"{sys.prefix}/bin/python3"
    assert words(command[1:]) == [program, "-P", "-m", "novaflow.cli.main", "up", "--foreground", "/srv/nova"]
    assert words(values("/srv/nova", "RequiresMountsFor")[0]) == ["/srv/nova", sys.prefix]
    assert values("/srv/nova", "Type") == ["notify"]


def test_characters_with_a_meaning_are_quoted() -> None:
    """Percent signs everywhere; quotes and backslashes where systemd reads words."""
    assert values(NASTY, "ConditionPathIsDirectory") == [r"""/srv/a %%d$x'\t"q"""]
    assert values(NASTY, "Description") == [r"""novaflow stack /srv/a %%d$x'\t"q"""]
    assert values(NASTY, "ExecStart")[0].endswith(' "--foreground" "/srv/a %%d$x\'\\\\t\\"q"')
    assert values(NASTY + "/nova", "WorkingDirectory") == [r"""/srv/a %%d$x'\t"q"""]


@EXAMPLES
@given(name=st.text(st.sampled_from("a %$\\\"'{}#;=é"), min_size=1, max_size=12))
def test_any_folder_is_the_last_word_of_the_command(name: str) -> None:
    """No character of its name ends a word or begins another one."""
    root = f"/srv/{name}/nova"
    assert words(values(root, "ExecStart")[0][1:])[4:] == ["up", "--foreground", root]
    assert words(values(root, "RequiresMountsFor")[0])[0] == root


@pytest.mark.slow
@pytest.mark.parametrize("root", ["/srv/nova", NASTY])
async def test_systemd_accepts_the_unit(tmp_path: Path, root: str) -> None:
    """It reports nothing about the file; the folder of the stack need not exist."""
    require_program("systemd-analyze")
    unit = SystemdUnit(Path(root))
    file = tmp_path / unit.path.name
    file.write_text(unit.text)
    ended = await anyio.run_process(["systemd-analyze", "verify", file], check=False)
    about = [line for line in (ended.stdout + ended.stderr).decode().splitlines() if "novaflow" in line and "WorkingDirectory" not in line]
    assert about == []


def test_the_unit_is_where_an_administrator_expects_it() -> None:
    """Its name, its file and the command that starts it belong together."""
    unit = SystemdUnit(Path("/srv/nova"))
    assert unit.path == Path(f"/etc/systemd/system/{unit.name}.service")
    assert unit.start_command == f"systemctl start {unit.name}"


async def test_a_stack_without_a_unit_is_off(tmp_path: Path) -> None:
    """It does not run, there is no restart to cancel, and no entry is found."""
    unit = SystemdUnit(tmp_path / "nova")
    assert (unit.state, unit.is_enabled) == (BootState.OFF, False)
    assert await unit.find_running() is None
    assert find_entries(tmp_path / "nova") == ()
