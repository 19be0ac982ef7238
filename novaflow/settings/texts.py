"""Settings as text: complete for programs, masked for display."""

from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from novaflow.model.settings import Settings
from novaflow.settings.group import SettingsGroup, find_allowed
from novaflow.settings.validators import BROKER_SCHEMES

MASK = "********"


def write_texts(settings: Settings) -> Mapping[str, str]:
    """Return each setting by its name as it is written in a .env file, with secrets."""
    return {name: write_value(value) for name, _, value in _each(settings)}


def write_masked_texts(settings: Settings) -> Mapping[str, str]:
    """Return each setting by its name, with secrets masked."""
    return {name: _mask(value) for name, _, value in _each(settings)}


def write_display_texts(settings: Settings) -> Mapping[str, str]:
    """Return each setting by its name, with secrets masked; where nothing is set, its default in parentheses."""
    return {name: _mask(value) or f"({find_allowed(group, name).default or 'none'})" for name, group, value in _each(settings)}


def _each(settings: Settings) -> Iterator[tuple[str, type[SettingsGroup], object]]:
    for group in settings.groups.values():
        if isinstance(group, SettingsGroup):
            yield from ((field.upper(), type(group), getattr(group, field)) for field in type(group).model_fields)


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
            return (":" if any(isinstance(one, Path) for one in value) else ",").join(map(str, value))
        case SecretStr():
            return value.get_secret_value()
        case _:
            return str(value)


def _mask(value: object) -> str:
    if not isinstance(value, SecretStr):
        return write_value(value)
    try:
        addresses = [urlsplit(address) for address in value.get_secret_value().split(";")]
    except ValueError:  # a password that begins like an address
        return MASK
    if not all(address.scheme in BROKER_SCHEMES and address.hostname for address in addresses):
        return MASK
    return ";".join(map(_mask_address, addresses))


def _mask_address(address: SplitResult) -> str:
    """Return the address of a broker, in which only user and password are secret."""
    _, _, endpoint = address.netloc.rpartition("@")
    return f"{address.scheme}://{MASK}@{endpoint}{address.path}"
