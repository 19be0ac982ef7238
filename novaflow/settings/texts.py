"""Settings as text: whole, for programs, and masked, for eyes."""

from collections.abc import Mapping
from enum import Enum
from urllib.parse import urlsplit

from pydantic import SecretStr

from novaflow.settings.fields import NAMES, Settings

MASK = "********"


def write_texts(settings: Settings) -> Mapping[str, str]:
    """Return each setting by its name as ``load_settings`` reads it, secrets included; empty where nothing was chosen."""
    return {name: write_value(getattr(settings, field)) for name, field in NAMES.items()}


def write_masked_texts(settings: Settings) -> Mapping[str, str]:
    """Return each setting by its name as it may be shown to anybody."""
    return {name: _mask(getattr(settings, field)) for name, field in NAMES.items()}


def write_value(value: object) -> str:
    """Return one value as it is written in a .env file."""
    match value:
        case None:
            return ""
        case bool():
            return str(int(value))
        case Enum():
            return str(value.value)
        case tuple():
            return ",".join(value)
        case SecretStr():
            return value.get_secret_value()
        case _:
            return str(value)


def _mask(value: object) -> str:
    if not isinstance(value, SecretStr):
        return write_value(value)
    parts = urlsplit(value.get_secret_value())
    if not parts.hostname:
        return MASK
    # Of a broker's address only the password is secret, and who it is that logs in.
    _, _, place = parts.netloc.rpartition("@")
    return f"{parts.scheme}://{MASK}@{place}{parts.path}"
