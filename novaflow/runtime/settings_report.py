"""The settings of a stack as text: for users, for programs and for shells."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from novaflow.errors import UsageError
from novaflow.settings import Loaded
from novaflow.settings.texts import write_display_texts, write_masked_texts


def describe_settings(loaded: Loaded) -> Mapping[str, Mapping[str, str]]:
    """Return the object that `config --json` prints: each setting's value and origin; an empty value means that it is not set."""
    texts = write_masked_texts(loaded.settings)
    return {name: {"value": text, "origin": loaded.origins[name]} for name, text in texts.items()}


def tabulate_settings(loaded: Loaded) -> str:
    """Return a line for each setting: name, value and origin; the default is in parentheses where nothing is set."""
    values = write_display_texts(loaded.settings)
    name_width, value_width = (max(map(len, texts)) for texts in (values.keys(), values.values()))
    return "\n".join(f"{name:<{name_width}}  {value:<{value_width}}  {loaded.origins[name]}" for name, value in values.items())


def export_credentials(openrc: Path) -> Iterator[str]:
    """Yield the exports of an openrc file, quoted again; none if the file does not exist.

    Raises: UsageError, if it cannot be read.
    """
    try:
        lines = [shlex.split(line, comments=True) for line in openrc.read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{openrc} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{openrc} is not a file that novaflow wrote: {error}") from error
    for line in lines:
        match line:
            case ["export", *assignments]:
                for name, _, text in (word.partition("=") for word in assignments if "=" in word):
                    yield f"export {name}={shlex.quote(text)}"
