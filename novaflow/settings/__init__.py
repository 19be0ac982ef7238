"""Settings: the only reader of the environment and of .env files."""

from novaflow.settings.bundle import bundle_files, install_from
from novaflow.settings.core import CoreSettings
from novaflow.settings.group import Allowed, Command, Conflict, Password, SettingsGroup, Switch
from novaflow.settings.load import LoadedSettings, combine_settings, load_component_folders, load_settings
from novaflow.settings.proxies import bypass_proxies
from novaflow.settings.registry import apt_environment, registry_environment, repository_environment
from novaflow.settings.sharing import (
    CONNECT,
    LIST,
    SEARCH,
    find_group,
    is_closed,
    make_private_folder,
    open_log,
    share,
    share_open,
)
from novaflow.settings.trust import PACKAGE, create_own_folder, refuse_links, require_trusted, require_trusted_tree

__all__ = [
    "CONNECT",
    "LIST",
    "PACKAGE",
    "SEARCH",
    "Allowed",
    "Command",
    "Conflict",
    "CoreSettings",
    "LoadedSettings",
    "Password",
    "SettingsGroup",
    "Switch",
    "apt_environment",
    "bundle_files",
    "bypass_proxies",
    "combine_settings",
    "create_own_folder",
    "find_group",
    "install_from",
    "is_closed",
    "load_component_folders",
    "load_settings",
    "make_private_folder",
    "open_log",
    "refuse_links",
    "registry_environment",
    "repository_environment",
    "require_trusted",
    "require_trusted_tree",
    "share",
    "share_open",
]
