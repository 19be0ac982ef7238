"""HTTP requests and webhooks; ``client`` is the only module that imports httpx."""

from novaflow.adapters.http.client import HttpClient
from novaflow.adapters.http.webhook import Webhook

__all__ = ["HttpClient", "Webhook"]
