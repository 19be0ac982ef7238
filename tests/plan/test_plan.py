"""What starts or stops next."""

from itertools import pairwise

import pytest

from novaflow.errors import UsageError
from novaflow.model.step import ConcurrencyPool
from novaflow.plan.lifecycle import Exited, Failed, Phase, Succeeded
from novaflow.plan.plan import AllUp, Finish, MarkFailed, MarkUnready, Plan, Recheck, ServiceCommand, Start, Stop
from tests.support.toys import graph_of

CHAIN = {"database": [], "web": ["database"], "page": ["web"]}


def feed_all(plan: Plan, *names: str) -> None:
    """Tell the plan that these are up, one after another."""
    for name in names:
        plan.apply(Succeeded(name))


def test_what_needs_nothing_starts_first() -> None:
    """At the beginning everything without needs starts, and says so."""
    plan = Plan(graph_of({"a": [], "b": [], "c": ["a"]}))
    assert plan.begin() == (Start("a", "needs nothing"), Start("b", "needs nothing"))


def test_a_node_waits_for_the_last_of_its_needs() -> None:
    """A node starts when the last of its needs is up, and not before."""
    plan = Plan(graph_of({"database": [], "broker": [], "web": ["database", "broker"]}))
    plan.begin()
    assert plan.apply(Succeeded("database")) == ()
    assert plan.apply(Succeeded("broker")) == (Start("web", "broker is up"),)


def test_steps_alone_end_by_themselves() -> None:
    """When the last step is done, all is up, and the plan is finished."""
    plan = Plan(graph_of({"a": []}))
    plan.begin()
    assert plan.apply(Succeeded("a")) == (AllUp(), Finish())
    assert not plan.failed


def test_nothing_to_do_is_done() -> None:
    """An empty plan is up and finished at once."""
    assert Plan(graph_of({})).begin() == (AllUp(), Finish())


def test_services_stay_where_they_are_meant_to() -> None:
    """With ``stays``, services outlive the last step until somebody stops them."""
    plan = Plan(graph_of({"web": []}, services={"web"}), stays=True)
    plan.begin()
    assert plan.apply(Succeeded("web")) == (AllUp(),)
    assert plan.stop("asked to") == (Stop("web", "asked to"),)
    assert plan.apply(Exited("web")) == (Finish(),)


def test_services_leave_with_the_last_step_otherwise() -> None:
    """Without ``stays``, a service is there for the steps that need it."""
    plan = Plan(graph_of({"web": [], "ask": ["web"]}, services={"web"}))
    plan.begin()
    plan.apply(Succeeded("web"))
    assert plan.apply(Succeeded("ask")) == (AllUp(), Stop("web", "the workflow is done"))


def test_services_stop_in_reverse_order() -> None:
    """A service stops once nothing that runs depends on it, through steps too."""
    plan = Plan(graph_of({"database": [], "schema": ["database"], "web": ["schema"]}, services={"database", "web"}), stays=True)
    plan.begin()
    feed_all(plan, "database", "schema", "web")
    assert plan.stop("asked to") == (Stop("web", "asked to"),)
    assert plan.apply(Exited("web")) == (Stop("database", "asked to"),)
    assert plan.apply(Exited("database")) == (Finish(),)


def test_a_shared_need_is_the_last_to_stop() -> None:
    """What several need goes when the last of them has gone."""
    plan = Plan(graph_of({"database": [], "a": ["database"], "b": ["database"]}, services={"database", "a", "b"}), stays=True)
    plan.begin()
    feed_all(plan, "database", "a", "b")
    assert plan.stop("asked to") == (Stop("a", "asked to"), Stop("b", "asked to"))
    assert plan.apply(Exited("a")) == ()
    assert plan.apply(Exited("b")) == (Stop("database", "asked to"),)


def test_a_stop_in_the_middle_starts_nothing_more() -> None:
    """What runs is stopped, what waits will never start."""
    plan = Plan(graph_of(CHAIN, services={"web"}))
    plan.begin()
    assert plan.stop("interrupted") == (Stop("database", "interrupted"),)
    assert plan.apply(Succeeded("database")) == ()
    assert plan.apply(Exited("database")) == (Finish(),)
    assert plan.phases == {"database": Phase.STOPPED, "web": Phase.STOPPED, "page": Phase.STOPPED}


def test_a_second_stop_changes_nothing() -> None:
    """The first reason holds, and finished is said once."""
    plan = Plan(graph_of({"a": []}))
    plan.begin()
    assert plan.stop("first") == (Stop("a", "first"),)
    assert plan.stop("second") == ()
    assert plan.apply(Exited("a")) == (Finish(),)
    assert plan.stop("third") == ()


def test_a_failure_fails_what_needs_it_and_nothing_else() -> None:
    """The rest goes on; when nothing can, all is stopped."""
    plan = Plan(graph_of(CHAIN | {"broker": [], "queue": ["broker"]}, services={"broker"}))
    plan.begin()
    assert plan.apply(Failed("database", "no room")) == (
        MarkFailed("web", "database, which it needs, failed"),
        MarkFailed("page", "web, which it needs, failed"),
    )
    assert plan.apply(Succeeded("broker")) == (Start("queue", "broker is up"),)
    assert plan.apply(Succeeded("queue")) == (Stop("broker", "something it runs beside failed"),)
    assert plan.apply(Exited("broker")) == (Finish(),)
    assert plan.failed


def test_a_node_is_given_up_once() -> None:
    """Two ways to the same failure make one message."""
    plan = Plan(graph_of({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}))
    plan.begin()
    assert plan.apply(Failed("a", "died")) == (
        MarkFailed("b", "a, which it needs, failed"),
        MarkFailed("c", "a, which it needs, failed"),
        MarkFailed("d", "b, which it needs, failed"),
        Finish(),
    )


def test_a_deep_failure_is_no_problem() -> None:
    """A chain far longer than Python's stack is given up to its end."""
    names = [f"n{number}" for number in range(5_000)]
    plan = Plan(graph_of({names[0]: []} | {name: [need] for need, name in pairwise(names)}))
    plan.begin()
    assert plan.apply(Failed("n0", "died"))[-1] == Finish()


def test_a_need_that_dies_late_holds_back_who_waits_for_a_lane() -> None:
    """A node whose needs were all up, and which waits for its lane, is given up when one of them dies."""
    graph = graph_of(
        {"web": [], "other": [], "ask": ["web"]}, services={"web"}, pools={"other": ConcurrencyPool.CPU, "ask": ConcurrencyPool.CPU}
    )
    plan = Plan(graph, pools={ConcurrencyPool.CPU: 1})
    plan.begin()
    assert plan.apply(Succeeded("web")) == ()
    assert plan.apply(Failed("web", "died")) == (MarkFailed("ask", "web, which it needs, failed"),)
    assert plan.apply(Succeeded("other")) == (Finish(),)


def test_a_service_that_dies_after_all_is_up_ends_nothing_else() -> None:
    """On a stack that stays, the others go on."""
    plan = Plan(graph_of({"a": [], "b": []}, services={"a", "b"}), stays=True)
    plan.begin()
    feed_all(plan, "a", "b")
    assert plan.apply(Failed("a", "died")) == ()
    assert plan.failed
    assert plan.stop("asked to") == (Stop("b", "asked to"),)


def test_a_service_that_dies_while_it_stops_is_failed_and_over() -> None:
    """The plan does not wait for what is gone already."""
    plan = Plan(graph_of({"a": []}, services={"a"}), stays=True)
    plan.begin()
    feed_all(plan, "a")
    plan.stop("asked to")
    assert plan.apply(Failed("a", "crashed on the way out")) == (Finish(),)


def test_a_lane_holds_back_what_does_not_fit() -> None:
    """As many of a lane start as it is wide; the next one starts when one is done."""
    plan = Plan(
        graph_of({"a": [], "b": [], "free": []}, pools={"a": ConcurrencyPool.APT, "b": ConcurrencyPool.APT}), pools={ConcurrencyPool.APT: 1}
    )
    assert plan.begin() == (Start("a", "needs nothing"), Start("free", "needs nothing"))
    assert plan.apply(Succeeded("a")) == (Start("b", "needs nothing"),)


def test_a_failure_frees_its_lane() -> None:
    """A node that gave up holds nobody back."""
    plan = Plan(graph_of({"a": [], "b": []}, pools={"a": ConcurrencyPool.APT, "b": ConcurrencyPool.APT}), pools={ConcurrencyPool.APT: 1})
    plan.begin()
    assert plan.apply(Failed("a", "no network")) == (Start("b", "needs nothing"),)


def test_the_longest_path_starts_first() -> None:
    """Among those that could start, the one with most behind it does."""
    graph = graph_of({"a": [], "b": [], "behind": ["b"]}, pools={"a": ConcurrencyPool.CPU, "b": ConcurrencyPool.CPU})
    assert Plan(graph, pools={ConcurrencyPool.CPU: 1}).begin() == (Start("b", "needs nothing"),)
    assert Plan(graph, pools={ConcurrencyPool.CPU: 1}, durations_s={"a": 9.0}).begin() == (Start("a", "needs nothing"),)


def test_facts_out_of_place_change_nothing() -> None:
    """A fact that the table of phases does not know is passed over."""
    plan = Plan(graph_of({"a": [], "b": ["a"]}))
    plan.begin()
    assert plan.apply(Succeeded("b")) == ()
    assert plan.apply(Exited("a")) == ()
    assert plan.phases == {"a": Phase.STARTING, "b": Phase.WAITING}


def a_plan_that_is_up() -> Plan:
    """Return a plan of a database, what needs it, and what does not, all of them up."""
    names = ("database", "web", "mail")
    plan = Plan(graph_of({"database": [], "web": ["database"], "mail": []}, services=names), stays=True)
    plan.begin()
    feed_all(plan, *names)
    return plan


def test_a_service_is_restarted_alone() -> None:
    """It starts again when nothing of it is left; nobody else is touched, or in doubt."""
    plan = a_plan_that_is_up()
    assert plan.apply_service_command(ServiceCommand.RESTART, ["database"], "asked for") == (Stop("database", "asked for"),)
    assert plan.apply(Exited("database")) == (Start("database", "asked for"),)
    assert plan.apply(Succeeded("database")) == ()


def test_what_needs_a_stopped_service_is_in_doubt() -> None:
    """Once, and until it is back; then it is asked again."""
    plan = a_plan_that_is_up()
    assert plan.apply_service_command(ServiceCommand.STOP, ["database"], "asked for") == (Stop("database", "asked for"),)
    assert plan.apply(Exited("database")) == (MarkUnready("web", "database, which it needs, is stopped"),)
    assert plan.apply(Failed("mail", "died")) == ()
    assert plan.apply_service_command(ServiceCommand.START, ["database"], "asked for") == (Start("database", "asked for"),)
    assert plan.apply(Succeeded("database")) == (Recheck("web"),)


def test_what_needs_a_dead_service_is_in_doubt() -> None:
    """Whoever ended it."""
    assert a_plan_that_is_up().apply(Failed("database", "died")) == (MarkUnready("web", "database, which it needs, has failed"),)


def test_a_doubted_service_that_stops_is_doubted_no_more() -> None:
    """What is down is not asked."""
    plan = a_plan_that_is_up()
    plan.apply(Failed("database", "died"))
    plan.apply(Failed("web", "died"))
    assert plan.apply_service_command(ServiceCommand.START, ["database"], "asked for") == (Start("database", "asked for"),)
    assert plan.apply(Succeeded("database")) == ()


def test_services_restarted_together_keep_their_order() -> None:
    """The one that needs the other waits until that is up again."""
    plan = a_plan_that_is_up()
    assert plan.apply_service_command(ServiceCommand.RESTART, ["database", "web"], "both") == (
        Stop("database", "both"),
        Stop("web", "both"),
    )
    assert plan.apply(Exited("web")) == ()
    assert plan.apply(Exited("database")) == (Start("database", "both"),)
    assert plan.apply(Succeeded("database")) == (Start("web", "database is up"),)


def test_a_restart_after_a_crash_on_the_way_out_is_one() -> None:
    """However it went down, it is started again, and so is what waits for it."""
    plan = a_plan_that_is_up()
    plan.apply_service_command(ServiceCommand.RESTART, ["database", "web"], "both")
    plan.apply(Exited("web"))
    assert plan.apply(Failed("database", "crashed")) == (Start("database", "both"),)
    assert plan.apply(Failed("database", "again")) == (MarkFailed("web", "database, which it needs, failed"),)


def test_a_service_that_starts_is_restarted_as_well() -> None:
    """Whoever mended it need not wait until it gives up."""
    plan = a_plan_that_is_up()
    plan.apply(Failed("mail", "died"))
    assert plan.apply_service_command(ServiceCommand.RESTART, ["mail"], "first") == (Start("mail", "first"),)
    assert plan.apply_service_command(ServiceCommand.RESTART, ["mail"], "second") == (Stop("mail", "second"),)
    assert plan.apply_service_command(ServiceCommand.RESTART, ["mail"], "third") == ()
    assert plan.apply(Exited("mail")) == (Start("mail", "third"),)


def test_the_last_word_holds() -> None:
    """A stop takes back a restart that has not come to its start, a start a stop that has not come to its end."""
    plan = a_plan_that_is_up()
    plan.apply_service_command(ServiceCommand.RESTART, ["mail"], "first")
    assert plan.apply_service_command(ServiceCommand.STOP, ["mail"], "second") == ()
    assert plan.apply_service_command(ServiceCommand.START, ["mail"], "third") == ()
    assert plan.apply(Exited("mail")) == (Start("mail", "third"),)


def test_one_that_waits_for_its_need_is_stopped_at_once() -> None:
    """Nothing of it runs yet."""
    plan = a_plan_that_is_up()
    plan.apply_service_command(ServiceCommand.RESTART, ["database", "web"], "both")
    plan.apply(Exited("web"))
    assert plan.apply_service_command(ServiceCommand.STOP, ["web"], "enough") == ()
    assert plan.phases["web"] is Phase.STOPPED


def test_starting_what_is_up_and_stopping_what_is_down_changes_nothing() -> None:
    """It is so already."""
    plan = a_plan_that_is_up()
    assert plan.apply_service_command(ServiceCommand.START, ["mail"], "asked for") == ()
    plan.apply(Failed("mail", "died"))
    assert plan.apply_service_command(ServiceCommand.STOP, ["mail"], "asked for") == ()


def test_what_needs_something_that_is_down_is_not_started() -> None:
    """It would only fail; the message says what to start first. Both together are fine."""
    plan = a_plan_that_is_up()
    plan.apply_service_command(ServiceCommand.STOP, ["database"], "asked for")
    with pytest.raises(UsageError, match=r"^web needs database, which is stopping; start that first$"):
        plan.apply_service_command(ServiceCommand.RESTART, ["web"], "asked for")
    plan.apply(Exited("database"))
    with pytest.raises(UsageError, match=r"^web needs database, which is stopped; start that first$"):
        plan.apply_service_command(ServiceCommand.RESTART, ["web"], "asked for")
    assert plan.apply_service_command(ServiceCommand.RESTART, ["database", "web"], "both") == (
        Stop("web", "both"),
        Start("database", "both"),
    )


def test_services_are_handled_when_all_has_been_up_and_before_all_stops() -> None:
    """Before and after that, the plan has its own order."""
    plan = Plan(graph_of({"web": []}, services={"web"}), stays=True)
    plan.begin()
    with pytest.raises(UsageError, match="not everything has been up yet"):
        plan.apply_service_command(ServiceCommand.RESTART, ["web"], "asked for")
    feed_all(plan, "web")
    plan.stop("asked to")
    with pytest.raises(UsageError, match="everything is about to stop: asked to"):
        plan.apply_service_command(ServiceCommand.RESTART, ["web"], "asked for")


def test_a_stop_of_all_ends_a_restart() -> None:
    """What was to come back stays down."""
    plan = a_plan_that_is_up()
    plan.apply_service_command(ServiceCommand.RESTART, ["mail"], "asked for")
    plan.stop("asked to")
    assert plan.apply(Exited("mail")) == ()
    assert plan.phases["mail"] is Phase.STOPPED
