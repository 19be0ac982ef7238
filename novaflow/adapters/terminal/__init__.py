"""Output to a terminal and input from it; ``progress``, ``tables`` and ``dashboard`` are the only modules that import rich.

The dashboard is imported as a module: it loads parts of rich that only `run` needs.
"""

from novaflow.adapters.terminal.keyboard import keys_as_typed, read_keys
from novaflow.adapters.terminal.multiplexer import Multiplexer, find_multiplexer
from novaflow.adapters.terminal.progress import Progress
from novaflow.adapters.terminal.tables import print_check_results, print_orphans, print_status

__all__ = [
    "Multiplexer",
    "Progress",
    "find_multiplexer",
    "keys_as_typed",
    "print_check_results",
    "print_orphans",
    "print_status",
    "read_keys",
]
