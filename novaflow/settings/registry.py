"""How this machine reaches its package registries: handed to the installer, and to nothing else."""

import os
from collections.abc import Mapping

_KEPT = (
    "HOME",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "NETRC",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
)
_FROM_PIP = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL": "UV_INDEX"}  # what uv calls pip's settings


def registry_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables with which uv finds its registry and its cache; ``None`` means the process's own."""
    found = os.environ if environ is None else environ
    kept = {name: value for name, value in found.items() if name.upper() in _KEPT or name.startswith("UV_")}
    return {uv: found[pip] for pip, uv in _FROM_PIP.items() if found.get(pip)} | kept
