"""The passwords of a stack, created once and kept in a file of mode 0600."""

import json
import secrets
from collections.abc import Collection
from pathlib import Path

from novaflow.adapters.storage.atomic_file import write_atomic, write_error
from novaflow.errors import MachineError


class Secrets:
    """Passwords by name, kept in ``path``.

    Raises: MachineError, if the file cannot be read or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = _read(path)

    def known(self, name: str) -> str | None:
        """Return the password of that name; ``None`` if it was not created yet."""
        return self._known.get(name)

    def get(self, name: str) -> str:
        """Return the password of that name, created on first use: letters and digits, which need no quoting in URLs and SQL.

        Raises: MachineError, if the file cannot be written.
        """
        if name not in self._known:
            self._known[name] = _generate()
            _write(self._path, self._known)
        return self._known[name]

    def renew(self, old: Path, *, kept: Collection[str]) -> None:
        """Replace every password but those named in ``kept``; the replaced ones are in the file ``old``, which the caller deletes.

        If ``old`` exists with other passwords, those have been replaced before: nothing is changed.

        Raises: MachineError, if a file cannot be read or written.
        """
        if _read(old) not in ({}, self._known):
            return
        _write(old, self._known)  # first: if this is interrupted, both files are the same
        self._known = {name: known if name in kept else _generate() for name, known in self._known.items()}
        _write(self._path, self._known)


def _generate() -> str:
    return secrets.token_hex(16)


def _write(path: Path, known: dict[str, str]) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(path, json.dumps(known, indent=1), 0o600, fsync=True)
    except OSError as error:
        raise write_error(path, error) from error


def _read(path: Path) -> dict[str, str]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise MachineError(f"cannot read {path}: {(error.strerror or '').lower()}") from error
    except ValueError as error:
        raise MachineError(f"{path} is damaged: {error}") from error
    if not isinstance(known, dict) or not all(isinstance(secret, str) for secret in known.values()):
        raise MachineError(f"{path} is damaged: expected a JSON object of strings")
    return known
