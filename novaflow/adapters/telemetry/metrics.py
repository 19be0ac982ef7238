"""Writes a stack's status as Prometheus reads it; the only importer of prometheus_client."""

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest


def render_metrics(status: Mapping[str, Any]) -> bytes:
    """Return the contract's ``status --json`` in Prometheus' text format."""
    registry = CollectorRegistry()
    stack, events = status["stack"], status["events"]

    def gauge(name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"novaflow_{name}", meaning, ("stack", *labels), registry=registry)

    gauge("stack_state", "1 for the state that the stack is in.", "state").labels(stack, status["state"]).set(1)
    if status["ready_after_s"] is not None:
        gauge("stack_ready_after_seconds", "How long the latest start took.").labels(stack).set(status["ready_after_s"])
    gauge("events_published", "Events that the broker has confirmed.").labels(stack).set(events["published"])
    gauge("events_waiting", "Events that wait in the journal for the broker.").labels(stack).set(events["waiting"])
    gauge("broker_up", "Whether the broker takes events.").labels(stack).set(events["broker"] == "up")
    ready = gauge("service_ready", "Whether the service is ready.", "service", "component")
    after = gauge("service_ready_after_seconds", "How long the service's start took.", "service", "component")
    restarts = gauge("service_restarts", "How often the service was started anew in this run.", "service", "component")
    for service in status["services"]:
        names = (stack, service["name"], service["component"])
        ready.labels(*names).set(service["state"] == "ready")
        restarts.labels(*names).set(service["restarts"])
        if service["ready_after_s"] is not None:
            after.labels(*names).set(service["ready_after_s"])
    return generate_latest(registry)
