"""The stack's passwords: made once, kept in one file of mode 0600, told to nobody."""

import json
import os
import secrets
from pathlib import Path

from novaflow.adapters.files import unwritable


class Secrets:
    """Passwords by name, in ``path``; made on first use of a name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def get(self, name: str) -> str:
        """Return the password of that name: letters and digits, so that it fits in a URL and in SQL as it is.

        Raises: MachineError, if it cannot be kept.
        """
        if name not in self._known:
            self._known[name] = secrets.token_hex(16)
            self._keep()
        return self._known[name]

    def _keep(self) -> None:
        beside = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as target:
                json.dump(self._known, target, indent=1)
            beside.replace(self._path)
        except OSError as error:
            raise unwritable(self._path, error) from error
