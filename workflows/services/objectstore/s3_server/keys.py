"""The access keys of the object store."""

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

KEPT_S = 60.0  # after this time a deleted key is refused, and a new one that was refused before is accepted
MOST = 1000  # answers that are kept; clients choose the names of unknown keys
LONGEST = 128  # characters of an access key


@dataclass(frozen=True, slots=True)
class Key:
    """A pair of keys and the project that it belongs to."""

    access: str
    secret: str
    project: str


class Keys:
    """The key of the stack, and those that ``ask`` returns, whose answers are kept for a minute."""

    def __init__(self, own: Key, ask: Callable[[str], Key | None]) -> None:
        """``ask`` returns the key with an access key, ``None`` if there is none, and raises an error if it cannot know."""
        self._own, self._ask, self._lock = own, ask, Lock()
        self._answers: OrderedDict[str, tuple[float, Key | None]] = OrderedDict()

    def find(self, access: str) -> Key | None:
        """Return the key with an access key; ``None`` if there is none."""
        # The stack's own is not asked for: it works in a stack without keystone, and when keystone is down.
        if hmac.compare_digest(access.encode(), self._own.access.encode()):
            return self._own
        if len(access) > LONGEST:
            return None
        with self._lock:
            until_s, found = self._answers.get(access, (0.0, None))
        if until_s < time.monotonic():
            found = self._ask(access)
            with self._lock:
                self._answers[access] = time.monotonic() + KEPT_S, found
                self._answers.move_to_end(access)
                while len(self._answers) > MOST:
                    self._answers.popitem(last=False)
        return found
