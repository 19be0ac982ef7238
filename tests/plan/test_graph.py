"""Graphs: order, layers, longest paths, cycles."""

from itertools import pairwise

import pytest

from novaflow.errors import DependencyCycle
from novaflow.model.step import ConcurrencyPool
from tests.support.toys import graph_of

DIAMOND = {"top": ["left", "right"], "left": ["bottom"], "right": ["bottom"], "bottom": []}


def test_dependents_are_inverted_needs() -> None:
    """A node's dependents are the nodes that need it."""
    assert graph_of(DIAMOND).dependents == {
        "top": frozenset(),
        "left": frozenset({"top"}),
        "right": frozenset({"top"}),
        "bottom": frozenset({"left", "right"}),
    }


def test_order_is_topological() -> None:
    """Every name comes after the names it needs."""
    assert graph_of(DIAMOND).order == ("bottom", "left", "right", "top")


def test_a_layer_needs_only_earlier_layers() -> None:
    """A node is in the layer after the last of its needs, in the order of declaration."""
    layers = graph_of(DIAMOND | {"alone": []}).layers
    assert layers == (("bottom", "alone"), ("left", "right"), ("top",))


def test_an_empty_graph_has_no_layers() -> None:
    """A graph may have no nodes."""
    assert graph_of({}).layers == ()


def test_the_longest_path_is_measured() -> None:
    """The remaining time is that of the longest path; an unknown duration counts as 1 s."""
    remaining_s = graph_of(DIAMOND).remaining_s({"bottom": 2.0, "left": 5.0, "right": 3.0})
    assert remaining_s == {"top": 1.0, "left": 6.0, "right": 4.0, "bottom": 8.0}


@pytest.mark.parametrize(
    ("needs", "walk"),
    [
        ({"a": ["a"]}, ("a", "a")),
        ({"a": ["b"], "b": ["a"]}, ("a", "b", "a")),
        ({"start": ["a"], "a": ["b"], "b": ["c"], "c": ["a"]}, ("a", "b", "c", "a")),
        ({"fine": [], "a": ["fine", "b"], "b": ["fine", "a"]}, ("a", "b", "a")),
    ],
)
def test_a_cycle_is_rejected_with_its_walk(needs: dict[str, list[str]], walk: tuple[str, ...]) -> None:
    """The error lists the nodes of the cycle, each before the one that it needs."""
    with pytest.raises(DependencyCycle, match=" -> ".join(walk)) as error:
        graph_of(needs)
    assert error.value.walk == walk


def test_a_deep_graph_is_sorted() -> None:
    """A chain longer than Python's stack is sorted and measured."""
    names = [f"n{number}" for number in range(5_000)]
    graph = graph_of({name: [need] for name, need in pairwise(names)} | {names[-1]: []})
    assert graph.order == tuple(reversed(names))
    assert graph.remaining_s({})[names[-1]] == 5_000


def test_a_node_describes_its_part() -> None:
    """A node knows whether it is a service, and its pool."""
    graph = graph_of({"web": [], "job": []}, services={"web"}, pools={"job": ConcurrencyPool.CPU})
    assert graph.nodes["web"].is_service
    assert not graph.nodes["job"].is_service
    assert graph.nodes["job"].pool is ConcurrencyPool.CPU
