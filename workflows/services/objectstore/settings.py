"""Settings of the object store."""

from pydantic import Field

from novaflow.settings import SettingsGroup, Switch


class ObjectStoreSettings(SettingsGroup):
    """Access to the object store."""

    novaflow_s3_anonymous: Switch = Field(
        default=False, description="1: the object store needs no signatures, and every client can read and change all objects."
    )
