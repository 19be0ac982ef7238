"""Settings: the only reader of the environment and of .env files."""

from novaflow.settings.core import CoreSettings
from novaflow.settings.group import Allowed, Command, Conflict, Password, SettingsGroup, Switch
from novaflow.settings.load import LoadedSettings, combine_settings, load_component_folders, load_settings
from novaflow.settings.proxies import bypass_proxies
from novaflow.settings.registry import registry_environment, repository_environment
from novaflow.settings.trust import make_private_folder, refuse_links, require_trusted, require_trusted_tree

__all__ = [
    "Allowed",
    "Command",
    "Conflict",
    "CoreSettings",
    "LoadedSettings",
    "Password",
    "SettingsGroup",
    "Switch",
    "bypass_proxies",
    "combine_settings",
    "load_component_folders",
    "load_settings",
    "make_private_folder",
    "refuse_links",
    "registry_environment",
    "repository_environment",
    "require_trusted",
    "require_trusted_tree",
]
