"""Validators of single values; each error message is the reason that users read."""

import re
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

LONGEST_PATH = 4095  # bytes. Source: limits.h of Linux, PATH_MAX less its final zero
LONGEST_NAME = 255  # bytes. Source: the same, NAME_MAX
BROKER_SCHEMES = frozenset({"amqp", "amqps"})


def read_address(text: str) -> str:
    """Return an address that programs can listen on and that clients can reach."""
    if text == "auto":
        raise ValueError("this machine has no default route")
    try:
        address = IPv4Address(text)
    except ValueError as error:
        raise ValueError("not an IPv4 address") from error
    if address.is_unspecified or address.is_multicast or address.is_reserved:
        raise ValueError("clients cannot connect to this address")
    return text


def read_path(path: Path) -> Path:
    """Return a path that has the same meaning for a shell and for novaflow."""
    if path.parts[:1] and path.parts[0].startswith("~"):
        raise ValueError("~ is not expanded; write the whole path")
    read_text(str(path))
    if len(str(path).encode(errors="replace")) > LONGEST_PATH or any(
        len(part.encode(errors="replace")) > LONGEST_NAME for part in path.parts
    ):
        raise ValueError(f"a path has at most {LONGEST_PATH} bytes, and a name in it {LONGEST_NAME}")
    return path


def read_paths(value: str | tuple[str | Path, ...]) -> tuple[Path, ...]:
    """Split folders at colons."""
    words = [word for word in value.split(":") if word] if isinstance(value, str) else value
    return tuple(read_path(Path(word)) for word in words)


def read_line(secret: SecretStr | None) -> SecretStr | None:
    """Return a password that configuration files can hold."""
    if secret is not None:
        read_text(secret.get_secret_value())
    return secret


def read_text(text: str | None) -> str | None:
    """Return a text that configuration files can hold."""
    if text is not None and not text.isprintable():
        raise ValueError("contains a line break or another character that is not printable")
    return text


def read_names(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """Split names at commas and drop duplicates."""
    words = value.split(",") if isinstance(value, str) else value
    names = tuple(dict.fromkeys(word.strip() for word in words if word.strip()))
    for name in names:
        if not re.fullmatch(r"[\w-]+", name, re.ASCII):
            raise ValueError(f"{name!r} is not a valid component name")
    return names


def read_broker(url: SecretStr | None) -> SecretStr | None:
    """Return the address of a broker, or of several; the message quotes nothing of it, because any part may be a password."""
    read_line(url)
    if url is not None and not all(_is_broker(each) for each in url.get_secret_value().split(";")):
        raise ValueError("not the address of an AMQP broker")
    return url


def _is_broker(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # An @ without a user: the password contains a character that ends it, so that a part of it would be the host.
        return parts.scheme in BROKER_SCHEMES and bool(parts.hostname) and parts.port != 0 and ("@" not in url or "@" in parts.netloc)
    except ValueError:  # the port is not a number
        return False
