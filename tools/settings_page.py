"""The reference of settings, written from the classes of settings."""

from collections.abc import Iterator, Mapping

from novaflow.adapters.storage import find_components
from novaflow.settings.core import CoreSettings
from novaflow.settings.group import SettingsGroup, find_allowed
from novaflow.settings.texts import write_value
from tools.env_example import ROOT
from tools.markdown import GENERATED, escape, table

_HEAD = """\
# Settings

novaflow reads settings from four places; a later one has priority:

1. `.env` in the current folder
2. `DIR/.env`, in the folder of the stack
3. the environment
4. `--set NAME=VALUE` on the command line

`novaflow config` shows the effective value of each setting and where it was set; passwords are masked. An unknown name that
is close to a setting is an error. An invalid value is an error that names the setting, the value, the allowed values and the
place where it was set; nothing is changed then. `.env.example` lists the same settings.

A `.env` that another user could change is refused; [Security](../explanation/security.md) says which users are trusted. These
settings name code to run, and are not read from the current folder, unless it is the checkout of novaflow or DIR:
`NOVAFLOW_WORKFLOWS`, `NOVAFLOW_COMPONENTS_PATH`, `NOVAFLOW_ON_READY`, `NOVAFLOW_ON_FAILED`. Passwords, and addresses that contain
one, are refused on the command line, where every user of the machine can read them.
"""


def page() -> str:
    """Return the page: a table for each class of settings."""
    owners = _find_owners()
    return "\n".join([GENERATED, _HEAD, *(line for group, owner in owners.items() for line in _section(group, owner))])


def _find_owners() -> Mapping[type[SettingsGroup], str]:
    """Return each class of settings and the components that read it."""
    found = find_components(ROOT / "workflows")
    readers = {group: [one.name for one in found.components if group in one.settings] for group in found.settings}
    return {CoreSettings: "every stack"} | {group: ", ".join(f"`{name}`" for name in names) for group, names in readers.items()}


def _section(group: type[SettingsGroup], owner: str) -> Iterator[str]:
    yield f"## {(group.__doc__ or '').partition('.')[0]}\n"
    yield f"Read by {owner}.\n"
    yield from table(("name", "default", "allowed", "meaning"), (_row(group, name) for name in group.model_fields))


def _row(group: type[SettingsGroup], name: str) -> tuple[str, ...]:
    info, allowed = group.model_fields[name], find_allowed(group, name)
    default = escape(allowed.default) or f"`{write_value(info.default) or 'none'}`"
    unit = f" ({allowed.unit})" if allowed.unit else ""
    return f"`{name.upper()}`", default, escape(allowed.values) + unit, escape(info.description or "")
