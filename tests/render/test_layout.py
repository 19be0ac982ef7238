"""Where nodes stand in a picture."""

from itertools import pairwise

from novaflow.render.layout import Layout, lay_out
from tests.support.toys import graph_of


def crossings(layout: Layout) -> int:
    """Count the pairs of links that cross."""
    ends = [(left[1], layout.heights[left], layout.heights[right]) for left, right in layout.links]
    return sum(a[0] == b[0] and a[1] < b[1] and a[2] > b[2] for a in ends for b in ends)


def test_a_node_stands_behind_its_needs() -> None:
    """A layer is one more than the latest of the needs."""
    assert lay_out(graph_of({"a": [], "b": ["a"], "c": ["b", "d"], "d": []})).depth == {"a": 0, "b": 1, "c": 2, "d": 1}


def test_what_nobody_needs_stands_first() -> None:
    """A node without needs and dependents is in the first layer."""
    assert lay_out(graph_of({"a": [], "b": ["a"], "alone": []})).depth["alone"] == 0


def test_a_long_line_bends_in_each_layer_it_passes() -> None:
    """Lines from one node to several share their bends."""
    layout = lay_out(graph_of({"a": [], "b": ["a"], "c": ["b"], "x": ["r"], "r": ["a", "q"], "q": ["p"], "p": ["o"], "o": []}))
    bends = {spot for link in layout.links for spot in link if not layout.is_node(spot)}
    assert bends == {("a", layer) for layer in range(layout.depth["a"] + 1, layout.depth["r"])}


def test_lines_that_need_not_cross_do_not() -> None:
    """Two chains declared crosswise are drawn side by side."""
    assert crossings(lay_out(graph_of({"a": [], "b": [], "to-b": ["b"], "to-a": ["a"], "end-a": ["to-a"], "end-b": ["to-b"]}))) == 0


def test_a_chain_is_straight() -> None:
    """What follows one after another stands at one height."""
    layout = lay_out(graph_of({"a": [], "b": ["a"], "c": ["b"]}))
    assert {round(height, 3) for height in layout.heights.values()} == {0.0}


def test_nodes_of_a_layer_keep_their_distance() -> None:
    """However strongly they are pulled together, no two touch."""
    layout = lay_out(
        graph_of({"root": []} | {f"leaf{number}": ["root"] for number in range(9)} | {"end": [f"leaf{number}" for number in range(9)]})
    )
    for layer in layout.layers:
        heights = [layout.heights[spot] for spot in layer]
        assert all(below - above >= 29.9 for above, below in pairwise(heights))
