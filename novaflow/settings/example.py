"""The text of .env.example, from the settings class."""

from novaflow.settings.fields import NAMES, Settings, find_allowed
from novaflow.settings.texts import write_value

_HEAD = """\
# Every setting of novaflow. Generated: python -m novaflow.settings > .env.example
#
# Copy to .env, in the folder you call novaflow from or in the stack's own (stronger), and take the # away where you
# choose something else. The environment is stronger than both, the command line is stronger still. An empty value
# means the default. Values are taken as they stand: no $ is expanded; quote those that hold spaces or a #.
"""


def write_example() -> str:
    """Return every setting with its meaning, default, unit and allowed values."""
    return "\n".join([_HEAD, *(_write_entry(name, field) for name, field in NAMES.items())])


def _write_entry(name: str, field: str) -> str:
    info = Settings.model_fields[field]
    allowed = find_allowed(field)
    default = allowed.default or write_value(info.default)
    unit = f" Unit: {allowed.unit}." if allowed.unit else ""
    value = "" if allowed.default else default
    return f"# {info.description}\n# Default: {default}.{unit} Allowed: {allowed.values}.\n# {name}={value}\n"
