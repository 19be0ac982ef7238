"""The graph: order, layers, paths, and the refusal of circles."""

from itertools import pairwise

import pytest

from novaflow.errors import DependencyCycle
from novaflow.model.step import ConcurrencyPool
from tests.support.toys import graph_of

DIAMOND = {"top": ["left", "right"], "left": ["bottom"], "right": ["bottom"], "bottom": []}


def test_a_node_knows_its_dependents() -> None:
    """Needs read backwards are dependents."""
    assert graph_of(DIAMOND).dependents == {
        "top": frozenset(),
        "left": frozenset({"top"}),
        "right": frozenset({"top"}),
        "bottom": frozenset({"left", "right"}),
    }


def test_order_puts_needs_first() -> None:
    """Every name comes after the names it needs."""
    assert graph_of(DIAMOND).in_order() == ("bottom", "left", "right", "top")


def test_layers_need_only_earlier_layers() -> None:
    """A node stands right above the highest of its needs."""
    layers = graph_of(DIAMOND | {"alone": []}).layers()
    assert [[node.name for node in layer] for layer in layers] == [["bottom", "alone"], ["left", "right"], ["top"]]


def test_an_empty_graph_has_no_layers() -> None:
    """Nothing to do is a graph too."""
    assert [*graph_of({}).layers()] == []


def test_the_longest_path_counts() -> None:
    """What remains after a node is the longest path behind it, with 1 s where nothing was measured."""
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
def test_a_circle_is_refused_as_a_walk(needs: dict[str, list[str]], walk: tuple[str, ...]) -> None:
    """Whoever reads the refusal can follow the circle with a finger."""
    with pytest.raises(DependencyCycle, match=" -> ".join(walk)) as refused:
        graph_of(needs)
    assert refused.value.walk == walk


def test_a_deep_graph_is_no_problem() -> None:
    """A chain far longer than Python's stack is ordered and measured."""
    names = [f"n{number}" for number in range(5_000)]
    graph = graph_of({name: [need] for name, need in pairwise(names)} | {names[-1]: []})
    assert graph.in_order() == tuple(reversed(names))
    assert graph.remaining_s({})[names[-1]] == 5_000


def test_a_node_speaks_for_its_part() -> None:
    """A node tells whether it stays up and what it uses up."""
    graph = graph_of({"web": [], "job": []}, services={"web"}, pools={"job": ConcurrencyPool.CPU})
    assert graph.nodes["web"].is_service
    assert not graph.nodes["job"].is_service
    assert graph.nodes["job"].pool is ConcurrencyPool.CPU
