"""`novaflow config`: what holds, and where it was set."""

import json
from pathlib import Path

from novaflow.runtime.settings_report import describe_settings, tabulate_settings
from novaflow.settings import load_settings
from tests.support.settings import GROUPS
from tests.support.toys import Novaflow


def test_every_line_has_name_value_and_origin(tmp_path: Path) -> None:
    """A table of three columns, with words where nothing was chosen."""
    (tmp_path / ".env").write_text("NOVAFLOW_JOBS=3\n")
    lines = tabulate_settings(load_settings(Path("nova"), GROUPS[1:], environ={"MYSQL_PASS": "hush"}, cwd=tmp_path)).splitlines()
    rows = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines}
    assert rows["NOVAFLOW_JOBS"].split(maxsplit=1) == ["3", "./.env line 1"]
    assert rows["MYSQL_PASS"].split() == ["********", "environment"]
    assert rows["INTERFACE"].split() == ["(none)", "default"]
    assert len({len(line) - len(line.split("  ")[-1].lstrip()) for line in lines}) == 1


def test_json_holds_the_same(tmp_path: Path) -> None:
    """Programs get one object by the settings' names."""
    described = describe_settings(load_settings(Path("nova"), GROUPS[1:], environ={"MYSQL_PASS": "hush"}, cwd=tmp_path))
    assert described["MYSQL_PASS"] == {"value": "********", "origin": "environment"}
    assert described["INTERFACE"] == {"value": "", "origin": "default"}


def test_the_command_line_is_the_strongest(call: Novaflow, stack: Path) -> None:
    """--set wins over the stack's own .env, and says so."""
    (stack / ".env").write_text("SCREEN_NAME=one\nSCREEN_STATUS=0\n")
    shown = json.loads(call("config", "--json", "--set", "SCREEN_NAME=two").output)
    assert shown["SCREEN_NAME"] == {"value": "two", "origin": "command line"}
    assert shown["SCREEN_STATUS"] == {"value": "0", "origin": f"{stack}/.env line 2"}


def test_without_json_it_is_a_table(call: Novaflow) -> None:
    """People get a line for each setting."""
    assert call("config").output.startswith("HOST_IP ")
