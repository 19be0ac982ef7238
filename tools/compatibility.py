"""Checks that the contract of events is compatible with the last release: `python -m tools.compatibility`.

It lists every change that breaks a subscriber written for the last release, and exits with 1 if there is one.
`python -m tools.compatibility --release` stores the contract of a release.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from tools.schemas import FOLDER, asyncapi

RELEASED = FOLDER / "released" / "asyncapi.json"

_UNCHANGED = ("type", "const", "pattern")  # keywords of JSON Schema that must not change


def find_breaks(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Yield the changes between two AsyncAPI documents that break a subscriber written for the old one."""
    for member in ("address", "bindings"):
        if old["channels"]["events"][member] != new["channels"]["events"][member]:
            yield f"the {member} of the channel has changed"
    messages = new["components"]["messages"]
    for kind, message in old["components"]["messages"].items():
        if kind not in messages:
            yield f"kind {kind} was removed"
            continue
        for part in ("headers", "payload"):
            yield from _breaks_in(f"{kind}.{part}", message[part], messages[kind][part])


def _breaks_in(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for keyword in _UNCHANGED:
        if old.get(keyword) != new.get(keyword):
            yield f"{path}: {keyword} was {old.get(keyword)}, is {new.get(keyword)}"
    for value in old.get("enum", ()):
        if value not in new.get("enum", ()):
            yield f"{path}: {value} was removed"
    for name in old.get("required", ()):
        if name not in new.get("required", ()):
            yield f"{path}.{name} may be missing"
    if "items" in old:
        yield from _breaks_in(f"{path}[]", old["items"], new.get("items", {}))
    for name, schema in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            yield from _breaks_in(f"{path}.{name}", schema, new["properties"][name])
        else:
            yield f"{path}.{name} was removed"


def main(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    if arguments == ["--release"]:
        RELEASED.parent.mkdir(exist_ok=True)
        RELEASED.write_text(json.dumps(asyncapi(), indent=1) + "\n")
        return 0
    breaks = [*find_breaks(json.loads(RELEASED.read_text()), asyncapi())]
    sys.stderr.writelines(f"{each}\n" for each in breaks)
    return 1 if breaks else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
