"""What the databases of the stack's cloud were created for, and whether they can still be used."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from novaflow.model.component import Component, declared
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from workflows.infra.database.urls import Database, template_key
from workflows.platform.requirements import PythonRequirements

DELETE = "delete the cloud with `novaflow up --fresh`"


@dataclass(frozen=True, slots=True)
class FixedSetting:
    """A setting that a cloud keeps for its life: its databases contain the value, or what follows from it."""

    name: str
    value: Callable[[Settings], str]


HOST_NAME = FixedSetting("the name of this machine", lambda _: os.uname().nodename)  # nova and neutron identify their hosts by it


def host_name(paths: Paths) -> str:
    """Return the name of this machine that the cloud was created with: services keep it if the machine is renamed while they run."""
    if not origin_file(paths).exists():
        return os.uname().nodename
    return str(_read_origin(paths)["settings"].get(HOST_NAME.name, os.uname().nodename))


def origin_file(paths: Paths) -> Path:
    """Return the file with the origin of the databases; without it there is no cloud."""
    return paths.data / "origin.json"


async def write_origin(ctx: Context) -> None:
    """Record what the databases of the new cloud were created for."""
    key = template_key(ctx.settings, ctx.paths, ctx.declared(Database), ctx.declared(PythonRequirements))
    origin = {"template": key, "settings": {each.name: each.value(ctx.settings) for each in ctx.declared(FixedSetting)}}
    await ctx.write(origin_file(ctx.paths), json.dumps(origin, indent=1), fsync=True)


def has_no_cloud(_: Settings, paths: Paths) -> bool:
    """Return whether the stack has no complete cloud."""
    return not origin_file(paths).exists()


def find_mismatch(settings: Settings, paths: Paths, components: tuple[Component, ...]) -> str | None:
    """Return why these settings and components cannot use the databases of the cloud; ``None`` if they can, or there are none."""
    if has_no_cloud(settings, paths):
        return None
    origin = _read_origin(paths)
    known = origin["settings"]
    for each in declared(components, FixedSetting):
        value = each.value(settings)
        if value != known.get(each.name, value):
            found = f"{each.name} is {value or 'empty'}, but the cloud in {paths.root} was created with {known[each.name] or 'no value'}"
            return f"{found}; set it back, or {DELETE}"
    made_from = declared(components, Database), declared(components, PythonRequirements)
    # Until new secrets are applied, the databases contain the old ones.
    secrets = [file for file in (paths.old_secrets,) if file.exists()]
    if origin["template"] not in {template_key(settings, paths, *made_from, secrets=file) for file in (paths.secrets, *secrets)}:
        return f"the cloud in {paths.root} was created with other versions of its packages; {DELETE}"
    return None


def _read_origin(paths: Paths) -> Any:  # noqa: ANN401 - the decoded file
    return json.loads(origin_file(paths).read_text())
