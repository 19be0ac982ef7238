"""A run that is continued after a crash of its supervisor: the steps that are done do not run again."""

from novaflow.plan.actions import AllUp, MarkFailed, Start, Stop
from novaflow.plan.lifecycle import Crashed, Failed, Phase, RestartDue, Succeeded
from novaflow.plan.plan import Plan
from tests.support.toys import graph_of

# A step between two services, and one after them.
CLOUD = {"database": (), "schema": ("database",), "web": ("schema",), "other": (), "check": ("web",)}
SERVICES = ("database", "web", "other")
STEPS = ("schema", "check")


def continued(*done: str) -> Plan:
    """Return the plan of a run whose steps ``done`` are done."""
    return Plan(graph_of(CLOUD, services=SERVICES), stays=True, done=done)


def test_done_steps_are_up_from_the_beginning() -> None:
    """Only the services are started, also those that need a step."""
    plan = continued(*STEPS)
    assert plan.is_continued
    assert plan.done == STEPS
    assert {action.node for action in plan.begin() if isinstance(action, Start)} == {"database", "other"}
    assert {name for name, phase in plan.phases.items() if phase is Phase.UP} == {*STEPS}


def test_a_service_waits_for_what_its_done_steps_need() -> None:
    """The order of services is the same as in the first run."""
    plan = continued(*STEPS)
    plan.begin()
    assert plan.apply(Succeeded("other")) == ()
    assert plan.apply(Succeeded("database")) == (Start("web", "database is up"),)
    assert plan.apply(Succeeded("web")) == (AllUp(),)


def test_a_step_that_is_not_done_runs() -> None:
    """The earlier supervisor has crashed before it."""
    plan = continued("schema")
    plan.begin()
    plan.apply(Succeeded("other"))
    plan.apply(Succeeded("database"))
    assert plan.apply(Succeeded("web")) == (Start("check", "web is up"),)
    assert plan.apply(Succeeded("check")) == (AllUp(),)


def test_a_failed_service_does_not_stop_the_others() -> None:
    """The cloud was up before: the stack is degraded, and what needs the service has failed."""
    plan = continued(*STEPS)
    plan.begin()
    plan.apply(Succeeded("other"))
    assert plan.apply(Failed("database", "database exited with 1")) == (MarkFailed("web", "database, which it needs, failed"), AllUp())
    assert plan.phases["other"] is Phase.UP


def test_a_failed_start_is_stopped() -> None:
    """The cloud was never up: a step is missing."""
    plan = continued("schema")
    plan.begin()
    plan.apply(Succeeded("other"))
    assert Stop("other", "another node failed") in plan.apply(Failed("database", "database exited with 1"))


def test_a_service_that_crashes_is_restarted_before_its_dependents_start() -> None:
    """A restart during the continuation is like a later one."""
    plan = continued(*STEPS)
    plan.begin()
    plan.apply(Succeeded("other"))
    assert plan.apply(Crashed("database", "database exited with 1")) == ()
    assert plan.apply(RestartDue("database", "restart 1")) == (Start("database", "restart 1"),)
    assert plan.apply(Succeeded("database")) == (Start("web", "database is up"),)


def test_names_that_are_not_steps_are_ignored() -> None:
    """A service is never done, and a step may have been renamed by an update."""
    plan = continued("database", "renamed", *STEPS)
    assert plan.done == STEPS
    assert {action.node for action in plan.begin() if isinstance(action, Start)} == {"database", "other"}


def test_a_new_run_is_not_continued() -> None:
    """Without an earlier run every step runs."""
    plan = Plan(graph_of(CLOUD, services=SERVICES), stays=True)
    assert not plan.is_continued
    assert plan.done == ()
