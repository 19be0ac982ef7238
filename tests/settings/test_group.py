"""Classes of settings: what each of them declares."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BeforeValidator, Field, ValidationError

from novaflow.errors import SettingsInvalid
from novaflow.model.settings import Settings
from novaflow.settings import Allowed, Command, Conflict, CoreSettings, Password, SettingsGroup, Switch, load_settings
from novaflow.settings.group import find_allowed, find_fields, holds_paths, is_secret
from novaflow.settings.validators import read_paths
from tests.support.settings import GROUPS, STACK
from tools.env_example import write_example

FIELDS = find_fields(GROUPS)


def test_settings_classes_read_nothing() -> None:
    """Two instances are equal in any environment."""
    assert CoreSettings(novaflow_jobs=2) == CoreSettings(novaflow_jobs=2)
    assert CoreSettings().novaflow_jobs >= 1


def test_the_example_lists_every_setting() -> None:
    """`python -m tools` writes .env.example from the classes of settings."""
    example = (Path(__file__).parents[2] / ".env.example").read_text()
    assert example == write_example()
    assert [line[2:].partition("=")[0] for line in example.splitlines() if line[2:].partition("=")[0] in FIELDS] == [*FIELDS]


def test_every_setting_says_what_it_means() -> None:
    """Each has one sentence and its allowed values."""
    for name, group in FIELDS.items():
        assert (group.model_fields[name.lower()].description or "").endswith(".")
        assert find_allowed(group, name).values


def test_a_name_belongs_to_one_group() -> None:
    """Two groups that declare the same name would hide each other."""
    assert sum(len(group.model_fields) for group in GROUPS) == len(FIELDS)


class ToySettings(SettingsGroup):
    """Settings of a toy."""

    toy_path: Annotated[Path, Allowed("a folder")] = Field(default=Path("toys"), description="Its folder.")
    toy_paths: Annotated[tuple[Path, ...], BeforeValidator(read_paths), Allowed("folders")] = Field(default=(), description="Its folders.")
    toy_pass: Password = Field(default=None, description="Its password.")
    toy_command: Command = Field(default=None, description="Its command.")
    toy_on: Switch = Field(default=True, description="1: it is on.")

    def find_conflicts(self, settings: Settings) -> Iterator[Conflict]:
        """Yield the conflict of a toy that is on with the number of steps."""
        if self.toy_on and settings.of(CoreSettings).novaflow_jobs == 7:
            yield Conflict(("TOY_ON", "TOY_PASS", "NOVAFLOW_JOBS"), "seven is too many")


def load_toy(folder: Path, environ: Mapping[str, str]) -> ToySettings:
    """Return the settings of the toy."""
    return load_settings(STACK, (ToySettings,), environ=environ, cwd=folder).settings.of(ToySettings)


def test_the_name_of_a_field_is_the_name_of_a_setting() -> None:
    """Users write it in upper case."""
    assert [*find_fields([ToySettings])] == ["TOY_PATH", "TOY_PATHS", "TOY_PASS", "TOY_COMMAND", "TOY_ON"]


def test_the_type_of_a_field_decides_how_it_is_read_and_shown() -> None:
    """Paths have a base, and secrets are masked."""
    assert [name for name in find_fields([ToySettings]) if holds_paths(ToySettings, name)] == ["TOY_PATH", "TOY_PATHS"]
    assert [name for name in find_fields([ToySettings]) if is_secret(ToySettings, name)] == ["TOY_PASS"]
    assert find_allowed(ToySettings, "TOY_ON") == Allowed("0, 1")


def test_an_instance_ignores_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only `load_settings` reads it, and records where a value comes from."""
    for name in ("TOY_COMMAND", "toy_command", "TOY_ON"):
        monkeypatch.setenv(name, "0")
    assert ToySettings() == ToySettings(toy_path=Path("toys"), toy_command=None, toy_on=True)


def test_an_instance_cannot_be_changed() -> None:
    """Programs that share settings see the same values."""
    with pytest.raises(ValidationError, match="Instance is frozen"):
        ToySettings().toy_on = False


@pytest.mark.parametrize(("text", "value"), [("1", True), ("0", False), ("true", True), ("False", False), ("yes", True), ("off", False)])
def test_a_switch_is_on_or_off(tmp_path: Path, text: str, value: bool) -> None:  # noqa: FBT001 - a column of the table
    """The usual words are accepted beside 0 and 1."""
    assert load_toy(tmp_path, {"TOY_ON": text}).toy_on is value


def test_a_command_is_kept_as_it_is_written(tmp_path: Path) -> None:
    """A shell interprets it later."""
    command = "cat >>'/tmp/a b' && echo \"$HOME\"; exit 3"
    assert load_toy(tmp_path, {"TOY_COMMAND": command}).toy_command == command


def test_a_conflict_cites_each_setting_and_masks_secrets(tmp_path: Path) -> None:
    """A setting that is not set is cited with its default."""
    with pytest.raises(SettingsInvalid) as refused:
        load_toy(tmp_path, {"TOY_PASS": "hush", "NOVAFLOW_JOBS": "7"})
    cited = "TOY_ON=1 (default) and TOY_PASS=******** (environment) and NOVAFLOW_JOBS=7 (environment)"
    assert str(refused.value) == f"{cited}: seven is too many"
    load_toy(tmp_path, {"TOY_PASS": "hush", "NOVAFLOW_JOBS": "7", "TOY_ON": "0"})


def test_the_default_of_a_path_starts_at_the_stack(tmp_path: Path) -> None:
    """The default of several paths is used as it is."""
    toy = load_toy(tmp_path, {})
    assert (toy.toy_path, toy.toy_paths) == (tmp_path / "nova/toys", ())
    assert load_toy(tmp_path, {"TOY_PATHS": "a:b"}).toy_paths == (tmp_path / "a", tmp_path / "b")
