"""Whether the contract of events still holds: `python -m tools.compatibility`.

Compares what the event classes say with what the last release said, and fails if a program written for that would
break. A release keeps its own for the next one: `python -m tools.compatibility --release`.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from tools.schemas import FOLDER, asyncapi

RELEASED = FOLDER / "released" / "asyncapi.json"

_SAME = ("type", "const", "pattern")  # keywords of JSON Schema that must not change


def find_breaks(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a program that was written for the old AsyncAPI document could not rely on in the new one."""
    for what in ("address", "bindings"):
        if old["channels"]["events"][what] != new["channels"]["events"][what]:
            yield f"the {what} of the channel has changed"
    messages = new["components"]["messages"]
    for kind, message in old["components"]["messages"].items():
        if kind not in messages:
            yield f"kind {kind} is gone"
            continue
        for part in ("headers", "payload"):
            yield from _breaks_in(f"{kind}.{part}", message[part], messages[kind][part])


def _breaks_in(place: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for word in _SAME:
        if old.get(word) != new.get(word):
            yield f"{place}: {word} was {old.get(word)}, is {new.get(word)}"
    for value in old.get("enum", ()):
        if value not in new.get("enum", ()):
            yield f"{place}: {value} is gone"
    for name in old.get("required", ()):
        if name not in new.get("required", ()):
            yield f"{place}.{name} may be missing"
    if "items" in old:
        yield from _breaks_in(f"{place}[]", old["items"], new.get("items", {}))
    for name, schema in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            yield from _breaks_in(f"{place}.{name}", schema, new["properties"][name])
        else:
            yield f"{place}.{name} is gone"


def main(words: list[str]) -> int:
    """Do what the words of the command line ask for, and return the exit code."""
    if words == ["--release"]:
        RELEASED.parent.mkdir(exist_ok=True)
        RELEASED.write_text(json.dumps(asyncapi(), indent=1) + "\n")
        return 0
    breaks = [*find_breaks(json.loads(RELEASED.read_text()), asyncapi())]
    sys.stderr.writelines(f"{each}\n" for each in breaks)
    return 1 if breaks else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
