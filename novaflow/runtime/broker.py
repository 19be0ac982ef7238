"""The broker of a stack's events: its own, or the one the settings name."""

from novaflow.adapters.amqp import Publisher
from novaflow.adapters.storage.secrets import Secrets
from novaflow.runtime.stack import Stack
from novaflow.runtime.status_report import cursor_of
from novaflow.settings import CoreSettings


def open_publisher(stack: Stack) -> Publisher:
    """Return what carries the stack's events from the journal to the broker the settings name."""
    secrets = Secrets(stack.paths.credentials / "secrets.json")
    chosen = stack.settings.of(CoreSettings).novaflow_events_url
    url = chosen.get_secret_value() if chosen else stack.workflow("run").broker(stack.settings, secrets.get)
    return Publisher(stack.paths.journal, cursor_of(stack.paths), url)
