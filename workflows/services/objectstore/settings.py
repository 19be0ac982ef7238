"""Settings of the object store."""

from typing import Annotated

from pydantic import Field, NonNegativeInt

from novaflow.settings import Allowed, SettingsGroup, Switch


class ObjectStoreSettings(SettingsGroup):
    """Access to the object store, and its size."""

    novaflow_s3_anonymous: Switch = Field(
        default=False, description="1: the object store needs no signatures, and every client can read and change all objects."
    )
    novaflow_s3_quota: Annotated[NonNegativeInt, Allowed("a whole number; 0: no limit", unit="GiB")] = Field(
        default=20,  # as much as Ceph has for all volumes
        description="What each project can store in the object store, with the parts of its unfinished uploads.",
    )
