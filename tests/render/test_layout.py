"""The layout of a graph."""

from itertools import pairwise

from novaflow.render.layout import Layout, lay_out
from tests.support.toys import graph_of


def crossings(layout: Layout) -> int:
    """Count the pairs of edges that cross."""
    ends = [(left[1], layout.heights[left], layout.heights[right]) for left, right in layout.edges]
    return sum(a[0] == b[0] and a[1] < b[1] and a[2] > b[2] for a in ends for b in ends)


def test_a_node_is_placed_after_its_needs() -> None:
    """Its layer is one more than the last of its needs."""
    assert lay_out(graph_of({"a": [], "b": ["a"], "c": ["b", "d"], "d": []})).depth == {"a": 0, "b": 1, "c": 2, "d": 1}


def test_isolated_nodes_are_in_the_first_layer() -> None:
    """A node without needs and dependents is placed first."""
    assert lay_out(graph_of({"a": [], "b": ["a"], "alone": []})).depth["alone"] == 0


def test_an_edge_bends_in_each_layer_it_passes() -> None:
    """Edges from one node share their bends."""
    layout = lay_out(graph_of({"a": [], "b": ["a"], "c": ["b"], "x": ["r"], "r": ["a", "q"], "q": ["p"], "p": ["o"], "o": []}))
    bends = {spot for link in layout.edges for spot in link if not layout.is_node(spot)}
    assert bends == {("a", layer) for layer in range(layout.depth["a"] + 1, layout.depth["r"])}


def test_avoidable_crossings_are_avoided() -> None:
    """Two chains declared crosswise are drawn side by side."""
    assert crossings(lay_out(graph_of({"a": [], "b": [], "to-b": ["b"], "to-a": ["a"], "end-a": ["to-a"], "end-b": ["to-b"]}))) == 0


def test_a_chain_is_straight() -> None:
    """The nodes of a chain have the same height."""
    layout = lay_out(graph_of({"a": [], "b": ["a"], "c": ["b"]}))
    assert {round(height, 3) for height in layout.heights.values()} == {0.0}


def test_nodes_of_a_layer_keep_their_distance() -> None:
    """Nodes of one layer never touch."""
    layout = lay_out(
        graph_of({"root": []} | {f"leaf{number}": ["root"] for number in range(9)} | {"end": [f"leaf{number}" for number in range(9)]})
    )
    for layer in layout.layers:
        heights = [layout.heights[spot] for spot in layer]
        assert all(below - above >= 29.9 for above, below in pairwise(heights))
