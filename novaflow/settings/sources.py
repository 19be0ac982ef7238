"""The sources of settings: two .env files, the environment and the command line; the later has priority.

pydantic-settings' own sources do not report the line of a value, resolve relative paths against one folder only, and cannot
suggest a name for a misspelt one. Only its classes are used; the files are parsed by python-dotenv.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from novaflow.settings.sharing import is_closed
from novaflow.settings.suggestions import PREFIX, SET_BY_NOVAFLOW, suggest_in_environment, suggest_in_file
from novaflow.settings.trust import PACKAGE, require_trusted

# They name code, which runs as the user of novaflow, often root; a folder with a .env may be a copy of another person's.
CODE = frozenset({"NOVAFLOW_WORKFLOWS", "NOVAFLOW_COMPONENTS_PATH", "NOVAFLOW_ON_READY", "NOVAFLOW_ON_FAILED"})


@dataclass(frozen=True, slots=True)
class Assignment:
    """One setting as it is written; a relative path starts at ``folder``."""

    name: str
    text: str
    origin: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Problem:
    """One error and its place, in one line."""

    text: str


@dataclass(frozen=True, slots=True)
class SettingsNotice:
    """Something that is ignored, in one line for the user."""

    text: str


Source = Assignment | Problem | SettingsNotice


def find_current_folder() -> Path:
    """Return the current folder; if it has been deleted, a path that does not exist."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path("/proc/self/cwd").readlink()  # Source: proc_pid_cwd(5); the kernel appends " (deleted)"


def read_sources(
    known: Collection[str], *, stack: Path, overrides: Mapping[str, str], environ: Mapping[str, str] | None, cwd: Path | None
) -> Iterator[Source]:
    """Yield the assignments of all sources, the strongest last; ``environ`` and ``cwd`` default to the process's.

    The file of the stack, which may contain passwords, is ignored for members of NOVAFLOW_GROUP.

    Raises: NotTrusted, if another user can change a .env file; PermissionError, if a .env file belongs to another user.
    """
    here = find_current_folder() if cwd is None else cwd
    # A stack in the current folder has one .env file.
    root = (here / stack).resolve()
    for folder in dict.fromkeys((here.resolve(), root)):
        if folder == root and is_closed(folder / ".env"):
            continue
        shown = _shorten(folder, here.resolve())
        for one in _read_file(folder / ".env", shown, known):
            if isinstance(one, Assignment) and one.name in CODE and folder not in {root, PACKAGE.parent}:
                yield _refuse_code(one, root)
            else:
                yield one
    yield from _read_environment(dict(os.environ) if environ is None else environ, known, here)
    yield from _read_overrides(overrides, known, here)


def _refuse_code(one: Assignment, root: Path) -> Problem:
    return Problem(f"{one.name} ({one.origin}) names code to run; set it in {root}/.env, the environment or on the command line")


def _shorten(folder: Path, here: Path) -> str:
    if folder == here:
        return "./.env"
    return str((folder.relative_to(here) if folder.is_relative_to(here) else folder) / ".env")


def _read_file(path: Path, shown: str, known: Collection[str]) -> Iterator[Source]:
    if path.is_dir():
        yield SettingsNotice(f"{shown} is a folder, such as a virtual environment, and no file of settings: it is ignored")
        return
    if path.exists() and not path.is_file():  # a pipe would be waited for
        yield Problem(f"{shown} is not a regular file")
        return
    try:
        if path.exists():
            require_trusted(path)
        with path.open(encoding="utf-8-sig") as stream:
            bindings = tuple(parse_stream(stream))
    except FileNotFoundError:
        return
    except PermissionError:
        raise  # the stack of another user
    except UnicodeDecodeError as error:
        yield Problem(f"{shown} is not UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}")
    except OSError as error:
        yield Problem(f"{shown} cannot be read: {error.strerror}")
    else:
        for binding in bindings:
            yield from _read_binding(binding, f"{shown} line {_line_of(binding)}", path.parent, known)


def _line_of(binding: Binding) -> int:
    # The parser counts from the blank lines before the assignment.
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def _read_binding(binding: Binding, origin: str, folder: Path, known: Collection[str]) -> Iterator[Source]:
    if binding.error or (binding.key is not None and binding.value is None):
        # The text after the equals sign may be a password.
        start = binding.original.string.strip().partition("=")[0].partition("\n")[0]
        yield Problem(f"{origin} is not NAME=VALUE with closed quotes: {start!r} …")
    elif binding.key is not None and binding.value is not None:
        if binding.key in known:
            yield Assignment(binding.key, binding.value, origin, folder)
        elif (suggestion := suggest_in_file(binding.key, known)) or binding.key.startswith(PREFIX):
            yield _unknown(binding.key, origin, suggestion)


def _read_environment(environ: Mapping[str, str], known: Collection[str], here: Path) -> Iterator[Source]:
    for name, text in environ.items():
        if name in known:
            yield Assignment(name, text, "environment", here)
        elif name not in SET_BY_NOVAFLOW and ((suggestion := suggest_in_environment(name, known)) or name.startswith(PREFIX)):
            yield _unknown(name, "environment", suggestion)


def _read_overrides(overrides: Mapping[str, str], known: Collection[str], here: Path) -> Iterator[Source]:
    for name, text in overrides.items():
        if name in known:
            yield Assignment(name, text, "command line", here)
        else:
            yield _unknown(name, "command line", suggest_in_file(name, known))


def _unknown(name: str, origin: str, suggestion: str | None) -> Problem:
    hint = f"did you mean {suggestion}?" if suggestion else "`novaflow config` lists all settings"
    return Problem(f"unknown setting {name} ({origin}); {hint}")
