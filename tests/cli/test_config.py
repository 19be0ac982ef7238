"""`novaflow config`: what holds, and where it was set."""

import json
from pathlib import Path

from novaflow.cli.config import describe, describe_as_json
from novaflow.settings import load_settings


def test_every_line_has_name_value_and_origin(tmp_path: Path) -> None:
    """A table of three columns, with words where nothing was chosen."""
    (tmp_path / ".env").write_text("NOVAFLOW_JOBS=3\n")
    lines = describe(load_settings(Path("nova"), environ={"MYSQL_PASS": "hush"}, cwd=tmp_path)).splitlines()
    rows = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines}
    assert rows["NOVAFLOW_JOBS"].split(maxsplit=1) == ["3", "./.env line 1"]
    assert rows["MYSQL_PASS"].split() == ["********", "environment"]
    assert rows["INTERFACE"].split() == ["(none)", "default"]
    assert len({len(line) - len(line.split("  ")[-1].lstrip()) for line in lines}) == 1


def test_json_holds_the_same(tmp_path: Path) -> None:
    """Programs get one object by the settings' names."""
    described = json.loads(describe_as_json(load_settings(Path("nova"), environ={"MYSQL_PASS": "hush"}, cwd=tmp_path)))
    assert described["MYSQL_PASS"] == {"value": "********", "origin": "environment"}
    assert described["INTERFACE"] == {"value": "", "origin": "default"}
