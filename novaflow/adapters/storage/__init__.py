"""Files of a stack: journal, lock, passwords, logs, and the folders of components.

``source_tree`` is imported as a module: only `run --watch` needs watchfiles, which it imports.
"""

from novaflow.adapters.storage.atomic_file import fix_for, require_space, write_atomic, write_with_folder
from novaflow.adapters.storage.discovery import DiscoveredModules, find_components
from novaflow.adapters.storage.journal import Journal, follow_journal, last_record, read_journal
from novaflow.adapters.storage.journal_compaction import compact_journal
from novaflow.adapters.storage.journal_format import Entry, JournalReader
from novaflow.adapters.storage.lock import StackLock, is_locked
from novaflow.adapters.storage.log_file import LineFollower, read_last_lines
from novaflow.adapters.storage.log_rotation import rotate_logs
from novaflow.adapters.storage.publish_status import (
    BrokerState,
    PublishStatus,
    publish_status_of,
    read_cursor,
    read_publish_status,
    write_cursor,
)
from novaflow.adapters.storage.secrets import Secrets

__all__ = [
    "BrokerState",
    "DiscoveredModules",
    "Entry",
    "Journal",
    "JournalReader",
    "LineFollower",
    "PublishStatus",
    "Secrets",
    "StackLock",
    "compact_journal",
    "find_components",
    "fix_for",
    "follow_journal",
    "is_locked",
    "last_record",
    "publish_status_of",
    "read_cursor",
    "read_journal",
    "read_last_lines",
    "read_publish_status",
    "require_space",
    "rotate_logs",
    "write_atomic",
    "write_cursor",
    "write_with_folder",
]
