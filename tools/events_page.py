"""Writes the page about events: `python -m tools.events_page [JOURNAL]`.

From a journal, it keeps one event of each type in `examples.jsonl`, without the names of the machine; without a journal,
it uses the events that were kept.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from novaflow.adapters.storage import read_journal
from novaflow.events.exchange import EXCHANGE, QUEUE_EXPIRES_S, QUEUE_MAX_BYTES, SUBSCRIBER, VHOST, log_queue
from novaflow.events.record import CONTENT_TYPE, EventRecord
from tools.event_kinds import KindDescription, describe_kinds
from tools.markdown import GENERATED, table
from tools.schemas import ATTRIBUTES, FOLDER

EXAMPLES = FOLDER / "examples.jsonl"
PAGE = FOLDER / "README.md"
HOST, STACK, ROOT = "host", "nova", "/srv/nova"  # instead of the real names

_TEMPLATE = Path(__file__).with_suffix(".md")


def select_examples(journal: Sequence[EventRecord]) -> list[EventRecord]:
    """Return one event of each type in order of appearance: the one with most fields, and of these the shortest."""
    best: dict[str, tuple[tuple[int, int], EventRecord]] = {}
    for record in journal:
        data = json.loads(record.encode())["data"]
        rank = (-len(data), len(record.encode()))
        if record.type not in best or rank < best[record.type][0]:
            best[record.type] = (rank, record)
    return [record for _, record in best.values()]


def anonymise(record: EventRecord, root: Path) -> EventRecord:
    """Return the event with the name of the machine, of the stack and of its folder ``root`` replaced."""
    _, _, host, stack = record.source.split("/")
    envelope = json.loads(record.encode(), object_hook=lambda found: {key: _rename(value, host, root) for key, value in found.items()})
    envelope["source"] = f"/novaflow/{HOST}/{STACK}"
    if envelope["subject"] == stack:
        envelope["subject"] = STACK
    return EventRecord.decode(json.dumps(envelope).encode())


def _rename(value: Any, host: str, root: Path) -> Any:  # noqa: ANN401 - any JSON value
    return re.sub(rf"\b{re.escape(host)}\b", HOST, value.replace(str(root), ROOT)) if isinstance(value, str) else value


def page(events: Sequence[EventRecord]) -> str:
    """Return the page in Markdown."""
    kinds = describe_kinds()
    head = _TEMPLATE.read_text() % {
        "generated": GENERATED,
        "vhost": VHOST,
        "subscriber": SUBSCRIBER,
        "exchange": EXCHANGE,
        "log": log_queue(EXCHANGE),
        "kinds": _kinds_table(kinds),
        "attributes": _join(table(("attribute", "meaning"), [(f"`{name}`", text) for name, text in ATTRIBUTES.items()])),
        "content_type": CONTENT_TYPE,
        "megabytes": QUEUE_MAX_BYTES // 1_000_000,
        "days": QUEUE_EXPIRES_S // (24 * 3600),
    }
    return head + "\n".join(line for kind in kinds.values() for line in _examples(kind, events)) + "\n"


def _kinds_table(kinds: Mapping[str, KindDescription]) -> str:
    rows = []
    for kind in kinds.values():
        states = ", ".join(f"`{state}`" for state in kind.states) + (" and others" if kind.open_states else "")
        fields = ", ".join(f"`{name}`" if name in kind.required else f"`{name}`?" for name in kind.properties)
        rows.append((f"`{kind.name}`", states, fields, kind.meaning))
    return _join(table(("kind", "states", "fields of `data`", "meaning"), rows))


def _join(lines: Iterable[str]) -> str:
    return "\n".join(lines).strip()


def _examples(kind: KindDescription, events: Sequence[EventRecord]) -> Iterator[str]:
    shown = [record for record in events if record.event.kind == kind.name]
    for record in shown:
        content = json.dumps(json.loads(record.encode()), ensure_ascii=False, indent=2)
        yield f"### {kind.name} {record.event.state}\n\n`{record.routing_key}`\n\n```json\n{content}\n```\n"
    seen = {record.event.state for record in shown}
    if missing := [state for state in kind.states if state not in seen and not kind.open_states]:
        yield f"Without an example: {', '.join(missing)}.\n"


def read_examples() -> list[EventRecord]:
    """Return the events that were kept."""
    return [EventRecord.decode(line) for line in EXAMPLES.read_bytes().splitlines()]


def main(journals: Sequence[str]) -> None:
    """Write the page; with a journal, write the examples first."""
    for name in journals:
        journal = Path(name).resolve()
        examples = [anonymise(record, journal.parent) for record in select_examples([*read_journal(journal)])]
        EXAMPLES.write_bytes(b"".join(record.encode() + b"\n" for record in examples))
    PAGE.write_text(page(read_examples()))


if __name__ == "__main__":
    main(sys.argv[1:])
