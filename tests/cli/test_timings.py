"""`novaflow timings`: what the journal tells of the latest execution."""

import json
from pathlib import Path

import pytest

from novaflow.adapters.storage.journal import Journal
from novaflow.errors import MachineError, UsageError
from novaflow.events.types import StepChanged, StepState, WorkflowChanged, WorkflowState
from tests.support.toys import Novaflow


def publish(stack: Path) -> None:
    """Write the journal of an execution in which ``toy.create`` came to its end."""
    journal = Journal(stack / "journal.jsonl", source="/novaflow/here/nova")
    journal.append(WorkflowChanged(name="run", state=WorkflowState.STARTED, reason="x"), "r1")
    for state in (StepState.STARTED, StepState.SUCCEEDED):
        journal.append(StepChanged(name="toy.create", state=state, workflow="run", component="toy", reason="x"), "r1")
    journal.close()


def test_the_latest_execution_is_shown(call: Novaflow, stack: Path) -> None:
    """A table for people."""
    publish(stack)
    output = call("timings", "run").output
    assert ": 1 nodes in " in output
    assert "critical path" in output


def test_programs_get_an_object(call: Novaflow, stack: Path) -> None:
    """The same as JSON, with the bound and the efficiency."""
    publish(stack)
    timings = json.loads(call("timings", "run", "--json").output)
    assert [span["node"] for span in timings["spans"]] == ["toy.create"]
    assert {"workflow", "began", "elapsed_s", "critical_path", "lower_bound_s", "efficiency"} <= set(timings)


def test_a_stack_that_was_never_run_has_none(call: Novaflow) -> None:
    """The message says where was looked and what to do."""
    result = call("timings", "run")
    assert isinstance(result.exception, UsageError)
    assert str(result.exception).endswith("journal.jsonl; run it first")


def test_a_trace_that_nobody_takes_is_said(call: Novaflow, stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says where a collector was looked for."""
    publish(stack)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    result = call("timings", "run", "--trace")
    assert isinstance(result.exception, MachineError)
    assert "no collector took the trace" in str(result.exception)
