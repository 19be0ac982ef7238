"""Settings for tests: every group that workflows/ declares, with its defaults or loaded from a folder."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from novaflow.adapters.storage import find_components
from novaflow.errors import SettingsInvalid
from novaflow.model.settings import Settings
from novaflow.settings import CoreSettings, LoadedSettings, SettingsGroup, combine_settings, load_settings

WORKFLOWS = Path(__file__).parents[2] / "workflows"
GROUPS: tuple[type[SettingsGroup], ...] = (CoreSettings, *find_components(WORKFLOWS).settings)
COMPONENT_GROUPS = GROUPS[1:]
STACK = Path("nova")
NOTHING: Mapping[str, str] = MappingProxyType({})


def make_settings(**values: object) -> Settings:
    """Return all settings; ``values`` are by the names of their fields, in whichever group."""
    groups = (group.model_validate({name: value for name, value in values.items() if name in group.model_fields}) for group in GROUPS)
    unknown = values.keys() - {field for group in GROUPS for field in group.model_fields}
    assert not unknown, f"no group has {unknown}"
    return combine_settings(*groups)


def load(folder: Path, environ: Mapping[str, str] = NOTHING, overrides: Mapping[str, str] = NOTHING) -> LoadedSettings:
    """Load the settings of the stack in ``folder / "nova"`` for a user in ``folder``."""
    return load_settings(STACK, COMPONENT_GROUPS, overrides=overrides, environ=environ, cwd=folder)


def reject(folder: Path, environ: Mapping[str, str] = NOTHING, overrides: Mapping[str, str] = NOTHING) -> list[str]:
    """Return the lines of the error."""
    with pytest.raises(SettingsInvalid) as refused:
        load(folder, environ, overrides)
    return str(refused.value).splitlines()


def write_env(folder: Path, text: str) -> Path:
    """Write ``folder / ".env"``."""
    folder.mkdir(exist_ok=True)
    (folder / ".env").write_text(text)
    return folder
