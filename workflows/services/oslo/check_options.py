"""Checks a user's configuration file: `python -I check_options.py PACKAGE FILE LOCAL`; it runs in the environment of the services.

It prints one line for each problem: an option of LOCAL that the package does not have, or whose value its type rejects. FILE is the
file that LOCAL extends. What FILE sets is known, too: options of plugins are published nowhere. It imports nothing of novaflow.
"""

import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

SHARED = {"castellan", "glance_store", "keystonemiddleware", "os-brick", "os-vif", "osprofiler"}  # and all of oslo
DEFAULT = "DEFAULT"
Options = dict[str, dict[str, Any]]  # by section and name


def find_options(package: str) -> Options:
    """Return the options of a service's package and of the libraries that all services use."""
    from keystoneauth1.loading import get_auth_plugin_conf_options  # noqa: PLC0415 - only the services' environment contains it

    found: Options = {}
    for entry in entry_points(group="oslo.config.opts"):
        publisher = str(entry.dist and entry.dist.name)
        if publisher in {package, *SHARED} or publisher.startswith("oslo."):
            for group, options in load(entry)():
                section = found.setdefault(normalize_section(str(getattr(group, "name", group) or DEFAULT)), {})
                for option in options:
                    names = (option.dest, *(old.name for old in option.deprecated_opts if old.name and not old.group))
                    section.update((normalize(name), option) for name in names)
    for section in found.values():
        if "auth_type" in section:
            section.update((option.dest, option) for option in get_auth_plugin_conf_options("password"))
    return found


def load(entry: EntryPoint) -> Any:  # noqa: ANN401 - the types of oslo.config are not installed with novaflow
    """Return the function that lists options; cinder's imports all drivers, and the libraries of most are not installed."""
    while True:
        try:
            return entry.load()
        except ModuleNotFoundError as error:
            if not error.name or error.name in sys.modules:
                raise
            sys.modules[error.name] = MagicMock()  # nothing of the library runs: only the options are read


def read(file: Path) -> Mapping[str, Mapping[str, list[str]]]:
    """Return the values of each option by section and name."""
    from oslo_config.cfg import ConfigParser  # noqa: PLC0415 - the same

    sections: dict[str, dict[str, list[str]]] = {}
    ConfigParser(str(file), sections).parse()
    return {
        normalize_section(name): {normalize(option): values for option, values in options.items()} for name, options in sections.items()
    }


def normalize(name: str) -> str:
    """Return the name of an option as oslo.config compares it."""
    return name.replace("-", "_")


def normalize_section(name: str) -> str:
    """Return the name of a section as oslo.config compares it."""
    return name if name == DEFAULT else name.lower()


def find_problems(known: Options, base: Path, local: Path) -> Iterator[str]:
    """Yield a line for each problem of the user's file."""
    own, anywhere = read(base), {name: option for section in known.values() for name, option in section.items()}
    for section, options in read(local).items():
        if section not in known and section not in own:
            yield f"{local}: there is no section [{section}]{nearest(section, {*known, *own})}"
            continue
        # A section that a service defines itself, as that of a back end, has options of other sections.
        allowed = known.get(section) or anywhere
        for name, values in options.items():
            if name in allowed:
                yield from (
                    f"{local}: [{section}] {name} = {value}: {error}" for value in values if (error := find_error(allowed[name], value))
                )
            elif name not in own.get(section, {}):
                elsewhere = [other for other, its in known.items() if name in its and other != section]
                hint = f"; section [{elsewhere[0]}] has one" if elsewhere else nearest(name, {*allowed, *own.get(section, {})})
                yield f"{local}: section [{section}] has no option {name}{hint}"


def find_error(option: Any, value: str) -> str | None:  # noqa: ANN401 - the types of oslo.config are not installed with novaflow
    """Return why the option's type rejects the value; ``None`` if it accepts it, or if the value names another option."""
    if "$" in value:
        return None
    try:
        option.type(value)
    except ValueError as error:
        return str(error)
    return None


def nearest(name: str, known: set[str]) -> str:
    """Return a hint with the most similar name."""
    return "".join(f"; did you mean {found}?" for found in get_close_matches(name, known, n=1))


if __name__ == "__main__":
    from oslo_config.cfg import ParseError

    package, base, local = sys.argv[1:]
    try:
        for problem in find_problems(find_options(package), Path(base), Path(local)):
            print(problem)  # noqa: T201 - the caller reads it
    except ParseError as error:
        print(f"{local}: line {error.lineno}: {error.msg}")  # noqa: T201 - the same
