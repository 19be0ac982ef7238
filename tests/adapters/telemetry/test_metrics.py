"""The status of a stack in the text format of Prometheus."""

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from novaflow.adapters.telemetry.metrics import render_metrics

STATUS: dict[str, Any] = {
    "stack": "nova",
    "state": "ready",
    "ready_after_s": 61.2,
    "services": [
        {"name": "nova-api", "component": "nova-api", "state": "ready", "ready_after_s": 3.2, "restarts": 1},
        {"name": "mariadb", "component": "database", "state": "started", "ready_after_s": None, "restarts": 0},
    ],
    "events": {"published": 212, "waiting": 3, "broker": "up"},
}


def read(status: dict[str, Any]) -> dict[tuple[str, ...], float]:
    """Return the value of each sample by name and labels, without that of the stack."""
    families = text_string_to_metric_families(render_metrics(status).decode())
    samples = (sample for family in families for sample in family.samples)
    return {
        (sample.name, *(value for label, value in sorted(sample.labels.items()) if label != "stack")): sample.value for sample in samples
    }


def test_a_running_stack_is_measured() -> None:
    """Its state, its services and its events are samples."""
    assert read(STATUS) == {
        ("novaflow_stack_state", "ready"): 1,
        ("novaflow_stack_ready_after_seconds",): 61.2,
        ("novaflow_events_published",): 212,
        ("novaflow_events_waiting",): 3,
        ("novaflow_broker_up",): 1,
        ("novaflow_service_ready", "nova-api", "nova-api"): 1,
        ("novaflow_service_ready", "database", "mariadb"): 0,
        ("novaflow_service_ready_after_seconds", "nova-api", "nova-api"): 3.2,
        ("novaflow_service_restarts", "nova-api", "nova-api"): 1,
        ("novaflow_service_restarts", "database", "mariadb"): 0,
    }


def test_unknown_values_are_omitted() -> None:
    """A stack that is still starting has no start time."""
    starting = STATUS | {"state": "starting", "ready_after_s": None, "services": []}
    assert ("novaflow_stack_ready_after_seconds",) not in read(starting)
    assert read(starting)["novaflow_stack_state", "starting"] == 1
