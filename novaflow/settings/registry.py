"""The variables with which this machine reaches package registries and repositories; only programs that download get them."""

import configparser
import os
import sys
from collections.abc import Mapping
from pathlib import Path

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_KEPT = (
    *_PROXIES,
    "HOME",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "NETRC",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
)
_FOR_REPOSITORIES = {"SSH_AUTH_SOCK", "SUDO_UID"}  # git lets root read the files of the user who called sudo
_FROM_PIP = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL": "UV_INDEX"}  # the names that uv has for pip's settings


def apt_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables with which apt downloads: its configuration, and proxies; ``None`` means the process's own."""
    found = os.environ if environ is None else environ
    return {name: value for name, value in found.items() if name.upper() in _PROXIES or name == "APT_CONFIG"}


def registry_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables with which uv finds its registry and its cache; ``None`` means the process's own.

    uv does not read the configuration of pip; an index that is set there is used here too. uv trusts the authorities that the machine
    trusts, as apt, git and Debian's pip do.
    """
    found = os.environ if environ is None else environ
    kept = {name: value for name, value in found.items() if name.upper() in _KEPT or name.startswith("UV_")}
    configured = {"UV_DEFAULT_INDEX": index} if (index := _read_pip_index(found)) else {}
    return {"UV_SYSTEM_CERTS": "1"} | configured | {uv: found[pip] for pip, uv in _FROM_PIP.items() if found.get(pip)} | kept


def repository_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables with which git, Bazaar, pip and uv fetch sources; ``None`` means the process's own."""
    found = os.environ if environ is None else environ
    theirs = {name: value for name, value in found.items() if name.startswith(("GIT_", "PIP_")) or name in _FOR_REPOSITORIES}
    uvs = registry_environment(found)
    known = {"PIP_INDEX_URL": uvs["UV_DEFAULT_INDEX"]} if "UV_DEFAULT_INDEX" in uvs else {}
    return known | uvs | theirs


def _read_pip_index(environ: Mapping[str, str]) -> str | None:
    """Return the registry in pip's configuration files; the later file wins.

    Source: pip's documentation, "Configuration", for Unix.
    """
    home = Path(environ.get("HOME") or "/nonexistent")
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [Path("/etc/pip.conf"), home / ".pip" / "pip.conf", user / "pip" / "pip.conf", Path(sys.prefix, "pip.conf")]
    if chosen := environ.get("PIP_CONFIG_FILE"):
        files = [] if chosen == os.devnull else [*files, Path(chosen)]
    config = configparser.RawConfigParser(strict=False)
    try:
        config.read(files, encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return None  # pip itself reports the error
    return config.get("install", "index-url", fallback=config.get("global", "index-url", fallback=None))
