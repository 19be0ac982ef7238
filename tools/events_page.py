"""The page that shows each event once, from a real run: `python -m tools.events_page [JOURNAL]`.

A journal is boiled down to one event of each type, kept beside the page with the names of its machine replaced;
without one, the page is written from what was kept.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

from novaflow.adapters.storage.journal import read_journal
from novaflow.events.record import EventRecord
from novaflow.events.types import LISTED, STATES, Event
from tools.schemas import FOLDER, data_schema

KEPT = FOLDER / "examples.jsonl"
PAGE = FOLDER / "README.md"
HOST, STACK, ROOT = "host", "nova", "/srv/nova"  # instead of the real ones

_HEAD = """\
# The events of a stack

Written by `python -m tools.events_page` from the event classes and from a real run; `examples.jsonl` holds the events.

Every change in a stack's life is a [CloudEvent](https://cloudevents.io) on the durable topic exchange `novaflow.events` of
RabbitMQ, in order and at least once: `source` and `id` tell a repeat, `sequence` tells a gap. The routing key is
`STACK.KIND.NAME.STATE`. [asyncapi.yaml](asyncapi.yaml) says all of it to machines, the `*.schema.json` say what `data` holds.
How to subscribe: [with kombu](../examples/with_kombu.py), [with pika](../examples/with_pika.py),
[with novaflow](../examples/with_novaflow.py). Later releases may add kinds, states and members of `data`, and remove none.
"""


def boil_down(journal: Sequence[EventRecord]) -> list[EventRecord]:
    """Return one event of each type in the order they first came: the one that says the most, and of those the shortest."""
    best: dict[str, tuple[tuple[int, int], EventRecord]] = {}
    for record in journal:
        data = json.loads(record.encode())["data"]
        merit = (-len(data), len(record.encode()))
        if record.type not in best or merit < best[record.type][0]:
            best[record.type] = (merit, record)
    return [record for _, record in best.values()]


def anonymise(record: EventRecord, root: Path) -> EventRecord:
    """Return the event as if it had happened on a machine called ``host``, to a stack called ``nova``."""
    _, _, host, stack = record.source.split("/")
    envelope = json.loads(record.encode(), object_hook=lambda found: {key: _rename(value, host, root) for key, value in found.items()})
    envelope["source"] = f"/novaflow/{HOST}/{STACK}"
    if envelope["subject"] == stack:
        envelope["subject"] = STACK
    return EventRecord.decode(json.dumps(envelope).encode())


def _rename(value: Any, host: str, root: Path) -> Any:  # noqa: ANN401 - whatever JSON can hold
    return re.sub(rf"\b{re.escape(host)}\b", HOST, value.replace(str(root), ROOT)) if isinstance(value, str) else value


def page(events: Sequence[EventRecord]) -> str:
    """Return the page in Markdown."""
    return "\n".join([_HEAD, *(line for event_class in STATES for line in _section(event_class, events))]) + "\n"


def _section(event_class: type[Event], events: Sequence[EventRecord]) -> Iterator[str]:
    yield f"## {event_class.kind}\n"
    yield " ".join((event_class.__doc__ or "").replace("``", "`").split()) + "\n"
    yield "| `data` | type | |\n|---|---|---|"
    hints = get_type_hints(event_class)
    for name, member in data_schema(event_class)["properties"].items():
        kind = f"{member['items']['type']}s" if "items" in member else member["type"]
        yield f"| `{name}` | {kind} | {'where known' if NoneType in get_args(hints[name]) else 'always'} |"
    yield ""
    shown = [record for record in events if isinstance(record.event, event_class)]
    for record in shown:
        content = json.dumps(json.loads(record.encode()), ensure_ascii=False, indent=2)
        yield f"### {event_class.kind} {record.event.state}\n\n`{record.routing_key}`\n\n```json\n{content}\n```\n"
    if unseen := [state for state in LISTED[event_class] if state not in {record.event.state for record in shown}]:
        yield f"Not in that run: {', '.join(unseen)}.\n"


def read_kept() -> list[EventRecord]:
    """Return the events that were kept."""
    return [EventRecord.decode(line) for line in KEPT.read_bytes().splitlines()]


def main(words: Sequence[str]) -> None:
    """Write the page, and before it what it is written from if a journal is given."""
    for word in words:
        journal = Path(word).resolve()
        kept = [anonymise(record, journal.parent) for record in boil_down([*read_journal(journal)])]
        KEPT.write_bytes(b"".join(record.encode() + b"\n" for record in kept))
    PAGE.write_text(page(read_kept()))


if __name__ == "__main__":
    main(sys.argv[1:])
