"""Settings of the machine."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from novaflow.settings import Allowed, SettingsGroup
from novaflow.settings.validators import read_path


class MachineSettings(SettingsGroup):
    """Folders outside that of the stack."""

    lock_path: Annotated[Path, AfterValidator(read_path), Allowed("a folder", default="DIR/run/lock")] = Field(
        default=Path("run/lock"), description="Folder of the lock files that services share."
    )
