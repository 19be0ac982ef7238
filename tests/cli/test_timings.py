"""`novaflow timings`: the timings of the latest execution."""

import json

import pytest

from novaflow.events.types import StepState, WorkflowChanged, WorkflowState
from tests.support.toy_stack import Novaflow, ToyStack, step_is


def workflow_is(state: WorkflowState, name: str = "run") -> WorkflowChanged:
    """Return a change of a workflow's state."""
    return WorkflowChanged(name=name, state=state, reason="a reason")


def execute(toy: ToyStack, *, run_id: str = "r1") -> None:
    """Write the journal of an execution in which ``toy.create`` succeeded."""
    steps = [step_is("toy.create", state) for state in (StepState.STARTED, StepState.SUCCEEDED)]
    toy.append(workflow_is(WorkflowState.STARTED), *steps, run_id=run_id)


def test_the_latest_execution_is_shown(novaflow: Novaflow, toy: ToyStack) -> None:
    """Users get a chart."""
    execute(toy)
    ended = novaflow("timings", "run")
    assert (ended.code, ended.err) == (0, "")
    assert ": 1 nodes in " in ended.out
    assert "critical path" in ended.out


def test_run_is_the_default(novaflow: Novaflow, toy: ToyStack) -> None:
    """Without arguments, the timings of `run` are shown."""
    execute(toy)
    assert novaflow("timings").out == novaflow("timings", "run").out


def test_programs_get_an_object(novaflow: Novaflow, toy: ToyStack) -> None:
    """The object has the spans, the critical path, the lower bound and the efficiency."""
    execute(toy)
    ended = novaflow("timings", "--json")
    timings = json.loads(ended.out)
    assert (ended.code, ended.err) == (0, "")
    assert [(span["node"], span["ending"]) for span in timings["spans"]] == [("toy.create", "up")]
    assert timings["critical_path"] == ["toy.create"]
    assert timings["workflow"] == "run"
    assert timings["began"].endswith("Z")
    assert {"elapsed_s", "lower_bound_s", "efficiency", "cores", "cpu_s"} <= set(timings)


def test_only_the_latest_execution_counts(novaflow: Novaflow, toy: ToyStack) -> None:
    """Earlier ones are in the journal and are ignored."""
    execute(toy)
    toy.append(workflow_is(WorkflowState.STARTED), step_is("toy.use", StepState.STARTED), run_id="r2")
    spans = json.loads(novaflow("timings", "--json").out)["spans"]
    assert [(span["node"], span["ending"]) for span in spans] == [("toy.use", "open")]


def test_the_latest_execution_is_compared_with_the_one_before(novaflow: Novaflow, toy: ToyStack) -> None:
    """Users get a table, programs both objects; a single execution is refused."""
    execute(toy)
    ended = novaflow("timings", "--compare")
    assert (ended.code, ended.err) == (2, f"novaflow: only one execution of 'run' in {toy.paths.journal}; run it again\n")
    execute(toy, run_id="r2")
    execute(toy, run_id="r3")
    ended = novaflow("timings", "--compare")
    assert (ended.code, ended.err) == (0, "")
    assert "compared with that of" in ended.out
    compared = json.loads(novaflow("timings", "--compare", "--json").out)
    assert compared["now"] == json.loads(novaflow("timings", "--json").out)
    assert compared["before"]["began"] <= compared["now"]["began"]
    assert compared["before"]["critical_path"] == ["toy.create"]


def test_a_stack_that_was_never_run_is_refused(novaflow: Novaflow, toy: ToyStack) -> None:
    """The message names the journal and the remedy."""
    ended = novaflow("timings", "run")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"novaflow: no execution of 'run' in {toy.paths.journal}; run it first\n"


def test_an_unknown_workflow_is_refused(novaflow: Novaflow) -> None:
    """The message lists the workflows."""
    ended = novaflow("timings", "rnu")
    assert (ended.code, ended.err) == (2, "novaflow: there is no workflow 'rnu'; there are: run\n")


def test_a_trace_that_no_collector_accepts_is_an_error(novaflow: Novaflow, toy: ToyStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code is 5, and the message has the collector's address."""
    execute(toy)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    ended = novaflow("timings", "run", "--trace")
    assert (ended.code, ended.out) == (5, "")
    assert "no collector accepted the trace" in ended.err


@pytest.mark.parametrize(("name", "begin"), [("run.svg", "<svg "), ("run.html", "<!doctype html>\n")])
def test_a_picture_is_written(novaflow: Novaflow, toy: ToyStack, name: str, begin: str) -> None:
    """The name of the file says of which kind; nothing is printed."""
    execute(toy)
    ended = novaflow("timings", "--output", str(toy.folder / name))
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    drawn = (toy.folder / name).read_text()
    assert drawn.startswith(begin)
    assert ">toy.create</text>" in drawn


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--output", "run.png"), "--output: the name must end with .svg or .html; it is run.png"),
        (("--output", "run.svg", "--json"), "--json cannot be used with --output"),
        (("--compare", "--trace"), "--compare cannot be used with --trace"),
        (("--output", "missing/run.svg"), "missing/run.svg cannot be written: No such file or directory"),
    ],
)
def test_options_that_cannot_be_carried_out_are_refused(novaflow: Novaflow, toy: ToyStack, options: tuple[str, ...], message: str) -> None:
    """No option is ignored."""
    execute(toy)
    ended = novaflow("timings", *options)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
