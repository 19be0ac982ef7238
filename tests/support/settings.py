"""Settings for tests of components: every group that workflows/ declares, with its defaults."""

from pathlib import Path

from novaflow.adapters.storage import find_components
from novaflow.model.settings import Settings
from novaflow.settings import CoreSettings, SettingsGroup, combine_settings

WORKFLOWS = Path(__file__).parents[2] / "workflows"
GROUPS: tuple[type[SettingsGroup], ...] = (CoreSettings, *find_components(WORKFLOWS).settings)


def make_settings(**values: object) -> Settings:
    """Return all settings; ``values`` are by the names of their fields, in whichever group."""
    groups = (group.model_validate({name: value for name, value in values.items() if name in group.model_fields}) for group in GROUPS)
    unknown = values.keys() - {field for group in GROUPS for field in group.model_fields}
    assert not unknown, f"no group has {unknown}"
    return combine_settings(*groups)
