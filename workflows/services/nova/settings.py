"""Settings of nova."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from novaflow.settings import Allowed, SettingsGroup, Switch
from novaflow.settings.validators import read_path


class NovaSettings(SettingsGroup):
    """Folder of disks, events and tests of nova."""

    instances_path: Annotated[Path, AfterValidator(read_path), Allowed("a folder", default="DIR/data/instances")] = Field(
        default=Path("data/instances"), description="Folder of servers' disks."
    )
    novaflow_instance_events: Switch = Field(default=True, description="0: no events about servers.")
    test: Switch = Field(default=False, description="1: `run` first runs the unit tests of the fetched source tree.")
