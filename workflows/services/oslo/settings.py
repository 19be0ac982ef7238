"""Settings of the services of OpenStack."""

from pydantic import Field

from novaflow.settings import SettingsGroup, Switch


class OsloSettings(SettingsGroup):
    """How the services of OpenStack are started."""

    novaflow_fork: Switch = Field(
        default=True,
        description="Start the services of nova and neutron from processes that have imported their modules once. 0 starts each"
        " alone, which takes longer and more memory.",
    )
