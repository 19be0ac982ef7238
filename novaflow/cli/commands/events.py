"""`events`: what happened, and what happens."""

import sys
from dataclasses import replace
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

import anyio
import click

from novaflow.errors import UsageError
from novaflow.events.filter import EventFilter, parse_since
from novaflow.events.record import EventRecord
from novaflow.events.types import LISTED, STATES, InstanceChanged
from novaflow.logs import log_to
from novaflow.runtime.event_stream import EventQuery
from novaflow.runtime.stack import Stack, stack_arguments

_KINDS = [cls.kind for cls in STATES]


def _refuse_slips(_: click.Context, __: click.Parameter, states: tuple[str, ...]) -> tuple[str, ...]:
    """Return the states; one that looks like a slip of the hand would match nothing, silently."""
    known = sorted({state for listed in LISTED.values() for state in listed})
    for state in states:
        if state not in known and (meant := get_close_matches(state, known, n=1, cutoff=0.8)):
            raise UsageError(f"--state {state}: there is no such state; did you mean {meant[0]!r}?")
    return states


@click.command("events")
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens; alone: only with that.")
@click.option("--from-start", is_flag=True, help="All there are; without --follow, that is what you get.")
@click.option("--since", metavar="TIME|SEQUENCE", help="From then on: 2026-11-22T09:12, 10m (ago), or 42.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(_KINDS), help="Only of this kind.")
@click.option("--name", "names", multiple=True, help="Only of this name; * and ? may stand in it.")
@click.option("--state", "states", multiple=True, callback=_refuse_slips, help="Only with this state; * and ? may stand in it.")
@click.option("--pattern", default="#", help="Only with a routing key like this: nova.service.*.ready")
@click.option("--json", "as_json", is_flag=True, help="One CloudEvent a line.")
@click.option("--webhook", metavar="URL", help="Post them there, one by one, each until it is taken.")
@stack_arguments
def command(  # noqa: PLR0913 - every option is one
    *, stack: Stack, since: str | None, as_json: bool, webhook: str | None, follow: bool, from_start: bool, **chosen: Any
) -> None:
    """Show what happened, or follow what happens.

    Subscribes to the stack's broker; reads the journal while there is none.

    Example: novaflow events --follow --kind service --state ready
    """
    log_to(sys.stderr)
    wanted = _wanted_since(EventFilter(**chosen), since)
    query = EventQuery(stack, wanted, past=from_start or bool(since) or not follow, future=follow)
    if webhook:
        anyio.run(_post, query, webhook)
    else:
        anyio.run(_print, query, as_json)


def _wanted_since(wanted: EventFilter, since: str | None) -> EventFilter:
    if since is None:
        return wanted
    try:
        begin = parse_since(since, datetime.now(UTC))
    except ValueError as error:
        raise UsageError(
            f"--since wants a time (2026-11-22T09:12), how long ago (10m) or a sequence number (42), found {since!r}"
        ) from error
    return replace(wanted, first=begin) if isinstance(begin, int) else replace(wanted, since=begin)


async def _print(query: EventQuery, as_json: bool) -> None:  # noqa: FBT001 - anyio.run passes no keywords
    async def show(record: EventRecord) -> None:
        click.echo(record.encode().decode() if as_json else describe(record))

    await query.publish(show)


async def _post(query: EventQuery, url: str) -> None:
    # Here, since it is for few: httpx takes 50 ms to import, a sixth of what a command may take to start.
    from novaflow.adapters.http.client import HttpClient  # noqa: PLC0415
    from novaflow.adapters.http.webhook import Webhook  # noqa: PLC0415

    client = HttpClient()
    try:
        await query.publish(Webhook(url, client).post)
    finally:
        await client.aclose()


def describe(record: EventRecord) -> str:
    """Return an event as a line for people, in local time."""
    event = record.event
    at = record.time.astimezone().replace(tzinfo=None).isoformat(" ", "milliseconds")
    took_s = None if isinstance(event, InstanceChanged) else event.duration_s
    took = f" ({took_s:.2f} s)" if took_s is not None else ""
    reason = event.reason.partition("\n")[0]
    return f"{at} {record.sequence:>6}  {event.kind:<8} {event.name:<32} {event.state:<9} {reason}{took}"
