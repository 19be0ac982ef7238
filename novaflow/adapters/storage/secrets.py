"""The passwords of a stack: generated once and stored in one file of mode 0600."""

import json
import os
import secrets
from pathlib import Path

from novaflow.adapters.storage.files import unwritable
from novaflow.errors import MachineError


class Secrets:
    """Passwords by name, stored in ``path``; a password is generated on first use of its name.

    Raises: MachineError, if the file cannot be read or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = _read(path)

    def known(self, name: str) -> str | None:
        """Return the password of that name; ``None`` if there is none yet."""
        return self._known.get(name)

    def get(self, name: str) -> str:
        """Return the password of that name: letters and digits, which need no quoting in a URL or in SQL.

        Raises: MachineError, if it cannot be stored.
        """
        if name not in self._known:
            self._known[name] = secrets.token_hex(16)
            self._keep()
        return self._known[name]

    def _keep(self) -> None:
        helper = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            helper.unlink(missing_ok=True)  # of a writer that was killed, with whatever mode
            with os.fdopen(os.open(helper, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
                json.dump(self._known, target, indent=1)
            helper.replace(self._path)
        except OSError as error:
            raise unwritable(self._path, error) from error


def _read(path: Path) -> dict[str, str]:
    try:
        known = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise MachineError(f"cannot read {path}: {(error.strerror or '').lower()}") from error
    except ValueError as error:
        raise MachineError(f"{path} is not what novaflow wrote: {error}") from error
    if not isinstance(known, dict) or not all(isinstance(secret, str) for secret in known.values()):
        raise MachineError(f"{path} is not what novaflow wrote: expected an object of texts")
    return known
