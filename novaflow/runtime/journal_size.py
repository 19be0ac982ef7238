"""Keeps the journal of a running supervisor small."""

import anyio
import structlog

from novaflow.adapters.storage import Journal, read_cursor
from novaflow.errors import MachineError
from novaflow.runtime.stack import Stack

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 10.0  # a supervisor that publishes as fast as it can writes less than 4 MiB meanwhile


async def keep_journal_small(journal: Journal, stack: Stack) -> None:
    """Remove the oldest events of the stack's journal each time it is too large, until cancelled.

    A journal that cannot be replaced, for example because the disk is full, grows until it can.
    """
    is_reported = False
    while True:
        try:
            if journal.is_large:
                await _compact(journal, stack)
            is_reported = False
        except (OSError, MachineError) as error:
            if not is_reported:
                log.warning("journal.not_compacted", path=str(stack.paths.journal), reason=str(error))
            is_reported = True
        await anyio.sleep(LOOK_EVERY_S)


async def _compact(journal: Journal, stack: Stack) -> None:
    published = await anyio.to_thread.run_sync(read_cursor, stack.publish_cursor, stack.paths.journal)
    replace = await anyio.to_thread.run_sync(journal.copy_newest, published)
    if replace is not None:
        replace()
