"""Where settings stand: in two .env files, the environment and the command line; the later wins."""

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from novaflow.settings.names import OURS, SET_BY_NOVAFLOW, find_meant_in_environment, find_meant_in_file


@dataclass(frozen=True, slots=True)
class Found:
    """One setting as it was written; ``folder`` is what a relative path starts from."""

    name: str
    text: str
    origin: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where, in one line."""

    text: str


def read_sources(
    known: Collection[str], *, stack: Path, overrides: Mapping[str, str], environ: Mapping[str, str] | None, cwd: Path | None
) -> Iterator[Found | Problem]:
    """Yield what stands where, the strongest last; ``None`` means the process's own environment and folder."""
    here = Path.cwd() if cwd is None else cwd
    home = here / stack
    # In the stack's own folder both are the same file.
    for folder in dict.fromkeys((here.resolve(), home.resolve())):
        yield from _read_file(folder / ".env", _shorten(folder, here.resolve()), known)
    yield from _read_environment(dict(os.environ) if environ is None else environ, known, here)
    yield from _read_overrides(overrides, known, here)


def _shorten(folder: Path, here: Path) -> str:
    if folder == here:
        return "./.env"
    return str((folder.relative_to(here) if folder.is_relative_to(here) else folder) / ".env")


def _read_file(path: Path, shown: str, known: Collection[str]) -> Iterator[Found | Problem]:
    try:
        with path.open(encoding="utf-8-sig") as stream:
            bindings = tuple(parse_stream(stream))
    except FileNotFoundError:
        return
    except UnicodeDecodeError as error:
        yield Problem(f"{shown} is not UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}")
    except OSError as error:
        yield Problem(f"{shown} cannot be read: {error.strerror}")
    else:
        for binding in bindings:
            yield from _read_binding(binding, f"{shown} line {_line_of(binding)}", path.parent, known)


def _line_of(binding: Binding) -> int:
    # The parser counts from the blank lines before it.
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def _read_binding(binding: Binding, origin: str, folder: Path, known: Collection[str]) -> Iterator[Found | Problem]:
    if binding.error or (binding.key is not None and binding.value is None):
        # What follows the equals sign may be a password.
        start = binding.original.string.strip().partition("=")[0].partition("\n")[0]
        yield Problem(f"{origin} is not NAME=VALUE with its quotes closed: {start!r} …")
    elif binding.key is not None and binding.value is not None:
        if binding.key in known:
            yield Found(binding.key, binding.value, origin, folder)
        elif (meant := find_meant_in_file(binding.key, known)) or binding.key.startswith(OURS):
            yield _unknown(binding.key, origin, meant)


def _read_environment(environ: Mapping[str, str], known: Collection[str], here: Path) -> Iterator[Found | Problem]:
    for name, text in environ.items():
        if name in known:
            yield Found(name, text, "environment", here)
        elif name not in SET_BY_NOVAFLOW and ((meant := find_meant_in_environment(name, known)) or name.startswith(OURS)):
            yield _unknown(name, "environment", meant)


def _read_overrides(overrides: Mapping[str, str], known: Collection[str], here: Path) -> Iterator[Found | Problem]:
    for name, text in overrides.items():
        if name in known:
            yield Found(name, text, "command line", here)
        else:
            yield _unknown(name, "command line", find_meant_in_file(name, known))


def _unknown(name: str, origin: str, meant: str | None) -> Problem:
    hint = f"did you mean {meant}?" if meant else "`novaflow config` lists all there are"
    return Problem(f"{name} ({origin}) is no setting; {hint}")
