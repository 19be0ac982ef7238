"""Configuration files as OpenStack's services read them, written whole."""

from collections.abc import Mapping
from pathlib import Path

Value = str | int | float | bool | Path
Sections = Mapping[str, Mapping[str, Value]]


def render_ini(*layers: Sections) -> str:
    """Return the text of an oslo.config file; of two layers that set the same option the later holds."""
    merged: dict[str, dict[str, Value]] = {}
    for layer in layers:
        for section, options in layer.items():
            merged.setdefault(section, {}).update(options)
    blocks = (
        "\n".join([f"[{section}]", *(f"{name} = {_render(value)}" for name, value in options.items())])
        for section, options in merged.items()
    )
    return "\n\n".join(blocks) + "\n"


def _render(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    # oslo.config substitutes $name; a password may hold one.
    return str(value).replace("$", "$$")
