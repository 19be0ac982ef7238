"""The address of a stack's events, as subscribers find it in `credentials/events.json`."""

import json
from typing import NamedTuple
from urllib.parse import quote

from novaflow.errors import UsageError
from novaflow.model.probe import NotYet
from novaflow.runtime.stack import Stack


class EventsAddress(NamedTuple):
    """The URL of a broker and the name of the exchange that events are published to."""

    url: str
    exchange: str


def read_events_address(stack: Stack) -> EventsAddress:
    """Return the address of the stack's events.

    Raises: NotYet, if the stack has not been started yet; UsageError, if the file is invalid.
    """
    path = stack.paths.credentials / "events.json"
    try:
        content = json.loads(path.read_bytes())
        url, exchange = content["url"], content["exchange"]
        # In the URL as RabbitMQ's clients read it; other clients refuse the parameter, so that the file has it apart.
        trusted = f"?cacertfile={quote(content['cacert'])}" if "cacert" in content else ""
        return EventsAddress(url + trusted, exchange)
    except FileNotFoundError as error:
        raise NotYet(f"{path} does not exist") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f'{path}: expected {{"url": …, "exchange": …}}, found {type(error).__name__}: {error}') from error
