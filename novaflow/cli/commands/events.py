"""`events`: shows the events of the stack."""

import sys
from typing import Any

import anyio
import click

from novaflow.cli.arguments import shared_stack_arguments
from novaflow.cli.output import warn
from novaflow.events.filter import EventFilter
from novaflow.events.record import EventRecord
from novaflow.logs import log_to
from novaflow.render.as_line import draw_event
from novaflow.runtime.event_query import make_query
from novaflow.runtime.event_relay import post_events, write_events
from novaflow.runtime.stack import Stack


@click.command("events")
@click.option("-f", "--follow", is_flag=True, help="Follow new events; without --from-start, only new ones.")
@click.option("--from-start", is_flag=True, help="Include past events (default without --follow).")
@click.option("--since", metavar="TIME|SEQUENCE", help="Begin at a time (2026-11-22T09:12), an age (10m) or a sequence number (42).")
@click.option("--kind", "kinds", multiple=True, help="Only events of this kind.")
@click.option("--name", "names", multiple=True, help="Only events of this name. Wildcards * and ? are allowed.")
@click.option("--state", "states", multiple=True, help="Only events with this state. Wildcards * and ? are allowed.")
@click.option("--pattern", default="#", help="Only events whose routing key matches this AMQP topic, for example *.service.*.ready.")
@click.option("--json", "as_json", is_flag=True, help="Print one CloudEvent per line.")
@click.option("--webhook", metavar="URL", help="POST each event to URL, retrying until accepted.")
@shared_stack_arguments
def command(  # noqa: PLR0913 - one argument for each option
    *, stack: Stack, follow: bool, from_start: bool, since: str | None, as_json: bool, webhook: str | None, **chosen: Any
) -> None:
    """Show past events or follow new ones.

    Events are read from the stack's broker; while it is down, from the local journal.

    Example: sudo novaflow events --follow --kind service --state ready
    """
    log_to(sys.stderr)
    query = make_query(EventFilter(**chosen), stack.found.components, follow=follow, from_start=from_start, since=since)
    if webhook:
        anyio.run(post_events, stack, query, webhook, warn)
    else:
        anyio.run(write_events, stack, query, _print_json if as_json else _print_line, warn)


def _print_json(record: EventRecord) -> None:
    click.echo(record.encode().decode())


def _print_line(record: EventRecord) -> None:
    click.echo(draw_event(record))
