"""The scheduler: which nodes start and stop next."""

from itertools import pairwise

import pytest

from novaflow.errors import UsageError
from novaflow.model.step import ConcurrencyPool
from novaflow.plan.actions import AllUp, Finish, MarkFailed, MarkStopped, MarkUnready, Recheck, Start, Stop
from novaflow.plan.commands import ServiceCommand
from novaflow.plan.lifecycle import Exited, Failed, Phase, Succeeded
from novaflow.plan.plan import Plan
from tests.support.toys import graph_of

CHAIN = {"database": [], "web": ["database"], "page": ["web"]}


def apply_successes(plan: Plan, *names: str) -> None:
    """Report that these nodes are up, one after another."""
    for name in names:
        plan.apply(Succeeded(name))


def test_nodes_without_needs_start_first() -> None:
    """At the beginning every node without needs starts, with that reason."""
    plan = Plan(graph_of({"a": [], "b": [], "c": ["a"]}))
    assert plan.begin() == (Start("a", "needs nothing"), Start("b", "needs nothing"))


def test_a_node_waits_for_the_last_of_its_needs() -> None:
    """A node starts when all its needs are up, and not before."""
    plan = Plan(graph_of({"database": [], "broker": [], "web": ["database", "broker"]}))
    plan.begin()
    assert plan.apply(Succeeded("database")) == ()
    assert plan.apply(Succeeded("broker")) == (Start("web", "broker is up"),)


def test_a_workflow_of_steps_finishes() -> None:
    """After the last step everything is up, and the plan is finished."""
    plan = Plan(graph_of({"a": []}))
    plan.begin()
    assert plan.apply(Succeeded("a")) == (AllUp(), Finish())
    assert not plan.failed


def test_an_empty_plan_finishes_at_once() -> None:
    """A graph without nodes is up and finished at the beginning."""
    assert Plan(graph_of({})).begin() == (AllUp(), Finish())


def test_services_stay_until_stopped() -> None:
    """With ``stays``, services run after the last step until a stop is requested."""
    plan = Plan(graph_of({"web": []}, services={"web"}), stays=True)
    plan.begin()
    assert plan.apply(Succeeded("web")) == (AllUp(),)
    assert plan.stop("requested") == (Stop("web", "requested"),)
    assert plan.apply(Exited("web")) == (Finish(),)


def test_services_stop_after_the_last_step() -> None:
    """Without ``stays``, services run only for the steps that need them."""
    plan = Plan(graph_of({"web": [], "ask": ["web"]}, services={"web"}))
    plan.begin()
    plan.apply(Succeeded("web"))
    assert plan.apply(Succeeded("ask")) == (AllUp(), Stop("web", "the workflow is done"))


def test_services_stop_in_reverse_order() -> None:
    """A service stops when no running node needs it, directly or through steps."""
    plan = Plan(graph_of({"database": [], "schema": ["database"], "web": ["schema"]}, services={"database", "web"}), stays=True)
    plan.begin()
    apply_successes(plan, "database", "schema", "web")
    assert plan.stop("requested") == (Stop("web", "requested"),)
    assert plan.apply(Exited("web")) == (Stop("database", "requested"),)
    assert plan.apply(Exited("database")) == (Finish(),)


def test_a_shared_need_stops_last() -> None:
    """A service that several need stops after the last of them."""
    plan = Plan(graph_of({"database": [], "a": ["database"], "b": ["database"]}, services={"database", "a", "b"}), stays=True)
    plan.begin()
    apply_successes(plan, "database", "a", "b")
    assert plan.stop("requested") == (Stop("a", "requested"), Stop("b", "requested"))
    assert plan.apply(Exited("a")) == ()
    assert plan.apply(Exited("b")) == (Stop("database", "requested"),)


def test_a_stop_during_the_start_starts_nothing_more() -> None:
    """Running nodes are stopped, and waiting nodes never start."""
    plan = Plan(graph_of(CHAIN, services={"web"}))
    plan.begin()
    assert plan.stop("interrupted") == (Stop("database", "interrupted"),)
    assert plan.apply(Succeeded("database")) == ()
    assert plan.apply(Exited("database")) == (Finish(),)
    assert plan.phases == {"database": Phase.STOPPED, "web": Phase.STOPPED, "page": Phase.STOPPED}


def test_a_second_stop_changes_nothing() -> None:
    """The first reason is kept, and the plan finishes once."""
    plan = Plan(graph_of({"a": []}))
    plan.begin()
    assert plan.stop("first") == (Stop("a", "first"),)
    assert plan.stop("second") == ()
    assert plan.apply(Exited("a")) == (Finish(),)
    assert plan.stop("third") == ()


def test_a_failure_fails_only_dependents() -> None:
    """Other nodes continue; when nothing can start any more, everything is stopped."""
    plan = Plan(graph_of(CHAIN | {"broker": [], "queue": ["broker"]}, services={"broker"}))
    plan.begin()
    assert plan.apply(Failed("database", "disk full")) == (
        MarkFailed("web", "database, which it needs, failed"),
        MarkFailed("page", "web, which it needs, failed"),
    )
    assert plan.apply(Succeeded("broker")) == (Start("queue", "broker is up"),)
    assert plan.apply(Succeeded("queue")) == (Stop("broker", "another node failed"),)
    assert plan.apply(Exited("broker")) == (Finish(),)
    assert plan.failed


def test_a_dependent_fails_once() -> None:
    """A node that depends on a failed node on two paths is reported once."""
    plan = Plan(graph_of({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}))
    plan.begin()
    assert plan.apply(Failed("a", "died")) == (
        MarkFailed("b", "a, which it needs, failed"),
        MarkFailed("c", "a, which it needs, failed"),
        MarkFailed("d", "b, which it needs, failed"),
        Finish(),
    )


def test_a_deep_failure_is_propagated() -> None:
    """A chain longer than Python's stack fails to its end."""
    names = [f"n{number}" for number in range(5_000)]
    plan = Plan(graph_of({names[0]: []} | {name: [need] for need, name in pairwise(names)}))
    plan.begin()
    assert plan.apply(Failed("n0", "died"))[-1] == Finish()


def test_a_node_in_a_full_pool_fails_with_its_need() -> None:
    """A node that waits for its pool fails when one of its needs fails."""
    graph = graph_of(
        {"web": [], "other": [], "ask": ["web"]}, services={"web"}, pools={"other": ConcurrencyPool.CPU, "ask": ConcurrencyPool.CPU}
    )
    plan = Plan(graph, pools={ConcurrencyPool.CPU: 1})
    plan.begin()
    assert plan.apply(Succeeded("web")) == ()
    assert plan.apply(Failed("web", "died")) == (MarkFailed("ask", "web, which it needs, failed"),)
    assert plan.apply(Succeeded("other")) == (Finish(),)


def test_a_later_failure_stops_nothing_else() -> None:
    """After everything was up, the failure of a service leaves the others running."""
    plan = Plan(graph_of({"a": [], "b": []}, services={"a", "b"}), stays=True)
    plan.begin()
    apply_successes(plan, "a", "b")
    assert plan.apply(Failed("a", "died")) == ()
    assert plan.failed
    assert plan.stop("requested") == (Stop("b", "requested"),)


def test_a_service_may_fail_while_it_stops() -> None:
    """The plan does not wait for a service that has failed."""
    plan = Plan(graph_of({"a": []}, services={"a"}), stays=True)
    plan.begin()
    apply_successes(plan, "a")
    plan.stop("requested")
    assert plan.apply(Failed("a", "crashed on the way out")) == (Finish(),)


def test_a_pool_limits_concurrent_starts() -> None:
    """As many nodes of a pool start as its limit allows; the next one starts when one is done."""
    plan = Plan(
        graph_of({"a": [], "b": [], "free": []}, pools={"a": ConcurrencyPool.APT, "b": ConcurrencyPool.APT}), pools={ConcurrencyPool.APT: 1}
    )
    assert plan.begin() == (Start("a", "needs nothing"), Start("free", "needs nothing"))
    assert plan.apply(Succeeded("a")) == (Start("b", "needs nothing"),)


def test_a_failure_frees_its_pool() -> None:
    """A failed node no longer counts towards the limit of its pool."""
    plan = Plan(graph_of({"a": [], "b": []}, pools={"a": ConcurrencyPool.APT, "b": ConcurrencyPool.APT}), pools={ConcurrencyPool.APT: 1})
    plan.begin()
    assert plan.apply(Failed("a", "no network")) == (Start("b", "needs nothing"),)


def test_the_longest_path_starts_first() -> None:
    """Among the nodes of a full pool, the one with the longest remaining path starts first."""
    graph = graph_of({"a": [], "b": [], "behind": ["b"]}, pools={"a": ConcurrencyPool.CPU, "b": ConcurrencyPool.CPU})
    assert Plan(graph, pools={ConcurrencyPool.CPU: 1}).begin() == (Start("b", "needs nothing"),)
    assert Plan(graph, pools={ConcurrencyPool.CPU: 1}, durations_s={"a": 9.0}).begin() == (Start("a", "needs nothing"),)


def test_unexpected_facts_change_nothing() -> None:
    """A fact that the life cycle does not allow is ignored."""
    plan = Plan(graph_of({"a": [], "b": ["a"]}))
    plan.begin()
    assert plan.apply(Succeeded("b")) == ()
    assert plan.apply(Exited("a")) == ()
    assert plan.phases == {"a": Phase.STARTING, "b": Phase.WAITING}


def make_running_plan() -> Plan:
    """Return a plan with a database, a service that needs it and one that does not, all up."""
    names = ("database", "web", "mail")
    plan = Plan(graph_of({"database": [], "web": ["database"], "mail": []}, services=names), stays=True)
    plan.begin()
    apply_successes(plan, *names)
    return plan


def test_a_service_is_restarted_alone() -> None:
    """It starts again after its processes have exited; other services keep their state."""
    plan = make_running_plan()
    assert plan.apply_service_command(ServiceCommand.RESTART, ["database"], "requested") == (Stop("database", "requested"),)
    assert plan.apply(Exited("database")) == (Start("database", "requested"),)
    assert plan.apply(Succeeded("database")) == ()


def test_dependents_of_a_stopped_service_are_unready() -> None:
    """They are marked unready once, and rechecked when the service is up again."""
    plan = make_running_plan()
    assert plan.apply_service_command(ServiceCommand.STOP, ["database"], "requested") == (Stop("database", "requested"),)
    assert plan.apply(Exited("database")) == (MarkUnready("web", "database, which it needs, is stopped"),)
    assert plan.apply(Failed("mail", "died")) == ()
    assert plan.apply_service_command(ServiceCommand.START, ["database"], "requested") == (Start("database", "requested"),)
    assert plan.apply(Succeeded("database")) == (Recheck("web"),)


def test_dependents_of_a_failed_service_are_unready() -> None:
    """They are marked unready, as after a stop."""
    assert make_running_plan().apply(Failed("database", "died")) == (MarkUnready("web", "database, which it needs, has failed"),)


def test_a_stopped_service_is_not_rechecked() -> None:
    """An unready service that fails is not rechecked when its need is up again."""
    plan = make_running_plan()
    plan.apply(Failed("database", "died"))
    plan.apply(Failed("web", "died"))
    assert plan.apply_service_command(ServiceCommand.START, ["database"], "requested") == (Start("database", "requested"),)
    assert plan.apply(Succeeded("database")) == ()


def test_services_restarted_together_keep_their_order() -> None:
    """A service waits until the restarted services that it needs are up."""
    plan = make_running_plan()
    assert plan.apply_service_command(ServiceCommand.RESTART, ["database", "web"], "both") == (
        Stop("database", "both"),
        Stop("web", "both"),
    )
    assert plan.apply(Exited("web")) == ()
    assert plan.apply(Exited("database")) == (Start("database", "both"),)
    assert plan.apply(Succeeded("database")) == (Start("web", "database is up"),)


def test_a_service_that_fails_during_a_restart_is_started() -> None:
    """It starts again however it ended; if it fails again, services that wait for it fail too."""
    plan = make_running_plan()
    plan.apply_service_command(ServiceCommand.RESTART, ["database", "web"], "both")
    plan.apply(Exited("web"))
    assert plan.apply(Failed("database", "crashed")) == (Start("database", "both"),)
    assert plan.apply(Failed("database", "again")) == (MarkFailed("web", "database, which it needs, failed"),)


def test_a_starting_service_can_be_restarted() -> None:
    """A restart need not wait until the start has failed."""
    plan = make_running_plan()
    plan.apply(Failed("mail", "died"))
    assert plan.apply_service_command(ServiceCommand.RESTART, ["mail"], "first") == (Start("mail", "first"),)
    assert plan.apply_service_command(ServiceCommand.RESTART, ["mail"], "second") == (Stop("mail", "second"),)
    assert plan.apply_service_command(ServiceCommand.RESTART, ["mail"], "third") == ()
    assert plan.apply(Exited("mail")) == (Start("mail", "third"),)


def test_the_last_command_wins() -> None:
    """A stop revokes a restart that has not started yet, and a start revokes a stop that has not ended yet."""
    plan = make_running_plan()
    plan.apply_service_command(ServiceCommand.RESTART, ["mail"], "first")
    assert plan.apply_service_command(ServiceCommand.STOP, ["mail"], "second") == ()
    assert plan.apply_service_command(ServiceCommand.START, ["mail"], "third") == ()
    assert plan.apply(Exited("mail")) == (Start("mail", "third"),)


def test_a_waiting_service_is_stopped_at_once() -> None:
    """A service that waits for a need has no process to stop; it is published as stopped."""
    plan = make_running_plan()
    plan.apply_service_command(ServiceCommand.RESTART, ["database", "web"], "both")
    plan.apply(Exited("web"))
    assert plan.apply_service_command(ServiceCommand.STOP, ["web"], "enough") == (MarkStopped("web", "enough"),)
    assert plan.phases["web"] is Phase.STOPPED


def test_commands_without_effect_are_accepted() -> None:
    """Starting a service that is up and stopping one that is down change nothing."""
    plan = make_running_plan()
    assert plan.apply_service_command(ServiceCommand.START, ["mail"], "requested") == ()
    plan.apply(Failed("mail", "died"))
    assert plan.apply_service_command(ServiceCommand.STOP, ["mail"], "requested") == ()


def test_a_service_whose_need_is_down_is_not_started() -> None:
    """The error names the need to start first; both can be restarted together."""
    plan = make_running_plan()
    plan.apply_service_command(ServiceCommand.STOP, ["database"], "requested")
    with pytest.raises(UsageError, match=r"^web needs database, which is stopping; start database first$"):
        plan.apply_service_command(ServiceCommand.RESTART, ["web"], "requested")
    plan.apply(Exited("database"))
    with pytest.raises(UsageError, match=r"^web needs database, which is stopped; start database first$"):
        plan.apply_service_command(ServiceCommand.RESTART, ["web"], "requested")
    assert plan.apply_service_command(ServiceCommand.RESTART, ["database", "web"], "both") == (
        Stop("web", "both"),
        Start("database", "both"),
    )


def test_commands_need_a_running_stack() -> None:
    """Before every node has been up, and while everything stops, commands are rejected."""
    plan = Plan(graph_of({"web": []}, services={"web"}), stays=True)
    plan.begin()
    with pytest.raises(UsageError, match=r"^the stack is still starting; wait until it is ready$"):
        plan.apply_service_command(ServiceCommand.RESTART, ["web"], "requested")
    apply_successes(plan, "web")
    plan.stop("requested")
    with pytest.raises(UsageError, match=r"^the stack is stopping: requested$"):
        plan.apply_service_command(ServiceCommand.RESTART, ["web"], "requested")


def test_a_stop_revokes_restarts() -> None:
    """A service that waits for its restart stays down after a stop of everything."""
    plan = make_running_plan()
    plan.apply_service_command(ServiceCommand.RESTART, ["mail"], "requested")
    plan.stop("requested")
    assert plan.apply(Exited("mail")) == ()
    assert plan.phases["mail"] is Phase.STOPPED
