"""Restarts in the plan: a crashed service waits, its dependents are unready, and it starts again."""

from novaflow.plan.actions import AllUp, Finish, MarkUnready, Recheck, Start, Stop
from novaflow.plan.lifecycle import Crashed, Exited, Phase, RestartDue, Succeeded
from novaflow.plan.plan import Plan, ServiceCommand
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
    plan.apply(Crashed("web", "web exited with 1"))
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
