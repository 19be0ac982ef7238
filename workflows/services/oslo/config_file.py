"""Configuration files in the format of oslo.config."""

from collections.abc import Mapping
from pathlib import Path

Value = str | int | float | bool | Path
Sections = Mapping[str, Mapping[str, Value]]


def render_config(*layers: Sections) -> str:
    """Return the text of an oslo.config file; the last layer that sets an option has priority."""
    merged: dict[str, dict[str, Value]] = {}
    for layer in layers:
        for section, options in layer.items():
            merged.setdefault(section, {}).update(options)
    return "\n\n".join(_render_section(section, options) for section, options in merged.items()) + "\n"


def _render_section(name: str, options: Mapping[str, Value]) -> str:
    return "\n".join([f"[{name}]", *(f"{option} = {_render(value)}" for option, value in options.items())])


def _render(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    # oslo.config substitutes $name, which a password may contain.
    return str(value).replace("$", "$$")
