"""The text of .env.example, written from the classes of settings."""

from collections.abc import Iterator
from pathlib import Path

from novaflow.adapters.storage import find_components
from novaflow.settings.core import CoreSettings
from novaflow.settings.group import SettingsGroup, find_allowed
from novaflow.settings.texts import write_value

ROOT = Path(__file__).parents[1]

_HEAD = """\
# Every setting of novaflow. Written by `python -m tools`.
#
# Copy this file to .env in the current folder, or to .env in the folder of the stack, which has priority. Remove the # in
# front of the settings that you change. The environment has priority over both files, the command line over the environment.
# An empty value means the default. Values are literal: $ is not expanded; quote values that contain spaces or a #.
"""


def write_example() -> str:
    """Return the text of .env.example: each setting with its meaning, default, unit and allowed values."""
    groups: tuple[type[SettingsGroup], ...] = (CoreSettings, *find_components(ROOT / "workflows").settings)
    return "\n".join([_HEAD, *(entry for group in groups for entry in _write_entries(group))])


def _write_entries(group: type[SettingsGroup]) -> Iterator[str]:
    for field, info in group.model_fields.items():
        allowed = find_allowed(group, field)
        default = allowed.default or write_value(info.default)
        unit = f" Unit: {allowed.unit}." if allowed.unit else ""
        value = "" if allowed.default else default
        yield f"# {info.description}\n# Default: {default or 'none'}.{unit} Allowed: {allowed.values}.\n# {field.upper()}={value}\n"
