"""The init system: registers the start of a stack at boot, and reports to the service manager."""

from novaflow.adapters.init_system.boot_entry import BootEntry, BootState
from novaflow.adapters.init_system.registration import find_entries, new_entry
from novaflow.adapters.init_system.service_manager import ServiceManager

__all__ = ["BootEntry", "BootState", "ServiceManager", "find_entries", "new_entry"]
