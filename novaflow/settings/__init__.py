"""The only reader of the environment and of .env: what the user chose, and where."""

from novaflow.settings.fields import LibvirtType, NetMan, Settings
from novaflow.settings.load import Loaded, load_settings
from novaflow.settings.registry import registry_environment, repository_environment

__all__ = ["LibvirtType", "Loaded", "NetMan", "Settings", "load_settings", "registry_environment", "repository_environment"]
