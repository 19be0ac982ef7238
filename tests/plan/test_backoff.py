"""Restarts in the plan: a crashed service waits, its dependents are unready, and it starts again."""

from novaflow.plan.actions import AllUp, Finish, MarkFailed, MarkStopped, MarkUnready, Recheck, Start, Stop
from novaflow.plan.commands import ServiceCommand
from novaflow.plan.lifecycle import Crashed, Exited, Failed, Phase, ReadinessChanged, RestartDue, Succeeded
from novaflow.plan.plan import Plan
from tests.support.toys import graph_of


def running_plan() -> Plan:
    """Return a plan whose database and web server are up; the web server needs the database."""
    plan = Plan(graph_of({"db": (), "web": ("db",)}, services=("db", "web")), stays=True)
    plan.begin()
    plan.apply(Succeeded("db"))
    assert plan.apply(Succeeded("web")) == (AllUp(),)
    return plan


def test_a_crash_makes_dependents_unready_and_fails_none() -> None:
    """The crashed service waits for its restart; what needs it is marked unready and keeps running."""
    plan = running_plan()
    assert plan.apply(Crashed("db", "db exited with 1")) == (MarkUnready("web", "db, which it needs, exited and will be restarted"),)
    assert plan.phases == {"db": Phase.BACKOFF, "web": Phase.UP}
    assert not plan.failed


def test_a_restart_that_is_due_starts_and_rechecks_dependents() -> None:
    """After the pause the service starts; when it is up again, its dependents are checked again."""
    plan = running_plan()
    plan.apply(Crashed("db", "db exited with 1"))
    assert plan.apply(RestartDue("db", "restart 1")) == (Start("db", "restart 1"),)
    assert plan.apply(Succeeded("db")) == (Recheck("web"),)


def test_a_restart_waits_for_needs_that_are_down() -> None:
    """Of two crashed services the dependent one starts when the other is up, whichever restart is due first."""
    plan = running_plan()
    plan.apply(Crashed("db", "db exited with 1"))
    plan.apply(Crashed("web", "web exited with 1"))
    assert plan.apply(RestartDue("web", "restart 1")) == ()
    assert plan.apply(RestartDue("db", "restart 1")) == (Start("db", "restart 1"),)
    assert plan.apply(Succeeded("db")) == (Start("web", "db is up"),)


def plan_of_a_chain() -> Plan:
    """Return a plan whose page, web server and database are up; the page needs the web server, which needs the database."""
    plan = Plan(graph_of({"db": (), "web": ("db",), "page": ("web",)}, services=("db", "web", "page")), stays=True)
    plan.begin()
    for name in ("db", "web", "page"):
        plan.apply(Succeeded(name))
    return plan


def test_a_restart_waits_for_indirect_needs() -> None:
    """A direct need that is up cannot be used while it is unready for want of its own need."""
    plan = plan_of_a_chain()
    plan.apply(Crashed("db", "db exited with 1"))
    plan.apply(Crashed("page", "page exited with 1"))
    plan.apply(ReadinessChanged("web", ready=False))  # as the engine reports after MarkUnready
    assert plan.apply(RestartDue("page", "restart 1")) == ()
    assert plan.apply(RestartDue("db", "restart 1")) == (Start("db", "restart 1"),)
    assert plan.apply(Succeeded("db")) == (Recheck("web"),)
    assert plan.apply(ReadinessChanged("web", ready=True)) == (Start("page", "web is up"),)


def test_a_restart_waits_for_a_need_that_does_not_answer() -> None:
    """A need that is unready may answer again, or be restarted: the restart comes after either."""
    for end in (ReadinessChanged("web", ready=True), Succeeded("web")):
        plan = plan_of_a_chain()
        plan.apply(ReadinessChanged("web", ready=False))
        plan.apply(Crashed("page", "page exited with 1"))
        assert plan.apply(RestartDue("page", "restart 1")) == ()
        if isinstance(end, Succeeded):
            plan.apply(Crashed("web", "web did not answer"))
            assert plan.apply(RestartDue("web", "restart 1")) == (Start("web", "restart 1"),)
        assert plan.apply(end) == (Start("page", "web is up"),)


def test_a_restart_fails_with_an_indirect_need() -> None:
    """A service that waits for an indirect need has failed when that need has."""
    plan = plan_of_a_chain()
    plan.apply(Crashed("db", "db exited with 1"))
    plan.apply(Crashed("page", "page exited with 1"))
    plan.apply(RestartDue("page", "restart 1"))
    plan.apply(RestartDue("db", "restart 1"))
    assert MarkFailed("page", "db, which it needs, failed") in plan.apply(Failed("db", "db exited with 1"))
    assert plan.phases == {"db": Phase.FAILED, "web": Phase.UP, "page": Phase.FAILED}


def test_crashes_during_the_start_are_restarted_in_order() -> None:
    """Three services crash before everything was up: each is restarted after what it needs."""
    graph = graph_of({"db": (), "web": ("db",), "page": ("web",), "slow": ()}, services=("db", "web", "page", "slow"))
    plan = Plan(graph, stays=True)
    plan.begin()
    for name in ("db", "web", "page"):
        plan.apply(Succeeded(name))
    for name in ("db", "web", "page"):
        plan.apply(Crashed(name, f"{name} exited with 1"))
    for name in ("page", "web"):
        assert plan.apply(RestartDue(name, "restart 1")) == ()
    assert plan.apply(RestartDue("db", "restart 1")) == (Start("db", "restart 1"),)
    assert plan.apply(Succeeded("db")) == (Start("web", "db is up"),)
    assert plan.apply(Succeeded("web")) == (Start("page", "web is up"),)


def test_a_stop_ends_the_wait_for_a_restart() -> None:
    """A stack that stops does not wait for a service in its pause."""
    plan = running_plan()
    plan.apply(Crashed("db", "db exited with 1"))
    assert plan.stop("requested") == (Stop("web", "requested"),)
    assert plan.apply(Exited("web")) == (Finish(),)


def test_a_crash_while_everything_stops_is_an_exit() -> None:
    """A service that crashes while its dependents still stop is not restarted."""
    plan = running_plan()
    plan.stop("requested")
    plan.apply(Crashed("db", "db exited with 1"))
    assert plan.apply(Exited("web")) == (Finish(),)


def test_a_crash_of_a_service_that_is_stopping_is_its_exit() -> None:
    """A service that crashes while it is stopped by request is stopped."""
    plan = running_plan()
    plan.apply_service_command(ServiceCommand.STOP, ("web",), "stop of web was requested")
    assert plan.apply(Crashed("web", "web exited with 1")) == (MarkStopped("web", "web exited with 1"),)
    assert plan.phases["web"] is Phase.STOPPED
    assert plan.apply(RestartDue("web", "restart 1")) == ()


def test_a_service_in_its_pause_is_stopped_at_once() -> None:
    """It is published as stopped, and the restart that was due does not come."""
    plan = running_plan()
    plan.apply(Crashed("web", "web exited with 1"))
    assert plan.apply_service_command(ServiceCommand.STOP, ("web",), "stop of web was requested") == (
        MarkStopped("web", "stop of web was requested"),
    )
    assert plan.phases["web"] is Phase.STOPPED
    assert plan.apply(RestartDue("web", "restart 1")) == ()


def test_a_user_can_start_a_service_before_its_restart_is_due() -> None:
    """`start` and `restart` end the pause; the restart that becomes due later changes nothing."""
    for command in (ServiceCommand.START, ServiceCommand.RESTART):
        plan = running_plan()
        plan.apply(Crashed("web", "web exited with 1"))
        assert plan.apply_service_command(command, ("web",), "by request") == (Start("web", "by request"),)
        assert plan.apply(RestartDue("web", "restart 1")) == ()


def test_a_crash_before_everything_was_up_delays_the_start() -> None:
    """A service that was ready and crashes during the start is restarted, and the stack is up only with it."""
    plan = Plan(graph_of({"db": (), "slow": ()}, services=("db", "slow")), stays=True)
    plan.begin()
    plan.apply(Succeeded("db"))
    plan.apply(Crashed("db", "db exited with 1"))
    assert plan.apply(Succeeded("slow")) == ()
    assert plan.apply(RestartDue("db", "restart 1")) == (Start("db", "restart 1"),)
    assert plan.apply(Succeeded("db")) == (AllUp(),)
