"""The broker that a stack's events are published to."""

from novaflow.adapters.amqp import Publisher
from novaflow.adapters.storage import Secrets
from novaflow.runtime.stack import Stack
from novaflow.settings import CoreSettings


def open_publisher(stack: Stack) -> Publisher:
    """Return the publisher of the stack's journal: to NOVAFLOW_EVENTS_URL, or to the stack's own broker if that is not set."""
    secrets = Secrets(stack.paths.secrets)
    chosen = stack.settings.of(CoreSettings).novaflow_events_url
    url = chosen.get_secret_value() if chosen else stack.workflow("run").broker(stack.settings, secrets.get)
    return Publisher(stack.paths.journal, stack.publish_cursor, url)
