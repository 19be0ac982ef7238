"""What holds for a drawing of any graph."""

import json
import re
from collections.abc import Collection, Mapping
from itertools import pairwise
from pathlib import PurePath
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaflow.render import DRAWINGS, find_format
from novaflow.render.as_dot import draw_dot
from novaflow.render.as_json import draw_json
from novaflow.render.as_mermaid import draw_mermaid
from novaflow.render.as_svg import draw_svg
from novaflow.render.as_text import count_nodes, draw_text
from novaflow.render.layout import lay_out
from novaflow.render.reduction import reduce_needs
from tests.support.properties import EXAMPLES
from tests.support.toys import graph_of

Needs = Mapping[str, Collection[str]]
SVG = "{http://www.w3.org/2000/svg}"


@st.composite
def graphs(draw: st.DrawFn) -> Needs:
    """Return the needs of up to nine nodes, in an order of declaration that is not that of the needs."""
    count = draw(st.integers(0, 9))
    earlier = [draw(st.sets(st.sampled_from(range(node)), max_size=4)) if node else set() for node in range(count)]
    order = draw(st.permutations(range(count)))
    return {f"c{node % 3}.n{node}": [f"c{need % 3}.n{need}" for need in earlier[node]] for node in order}


def all_needs(needs: Needs, node: str) -> set[str]:
    """Return the needs of a node, direct and indirect."""
    return {one for need in needs[node] for one in (need, *all_needs(needs, need))}


@pytest.mark.slow
@EXAMPLES
@given(needs=graphs())
def test_a_reduction_implies_the_same_needs(needs: Needs) -> None:
    """And none of the needs that are left is implied by the others."""
    reduced = reduce_needs(graph_of(needs))
    for node in needs:
        assert all_needs(reduced, node) == all_needs(needs, node)
        assert not [one for one in reduced[node] for other in reduced[node] if one in all_needs(needs, other)]


@pytest.mark.slow
@EXAMPLES
@given(needs=graphs())
def test_edges_connect_neighbouring_layers(needs: Needs) -> None:
    """Each vertex has a place of its own; nodes follow their needs, and the highest vertex is at 0."""
    layout = lay_out(graph_of(needs))
    assert all(right[1] - left[1] == 1 for left, right in layout.edges)
    assert all(layout.depth[need] < layout.depth[node] for node in needs for need in needs[node])
    assert sorted(node for layer in layout.layers for node in layer if layout.is_node(node)) == sorted(layout.depth.items())
    assert min(layout.heights.values(), default=0.0) == 0
    for layer in layout.layers:
        assert all(layout.heights[below] - layout.heights[above] > 10.9 for above, below in pairwise(layer))


@pytest.mark.slow
@EXAMPLES
@given(needs=graphs())
def test_all_formats_draw_the_same_needs(needs: Needs) -> None:
    """DOT, Mermaid and text show the reduced needs of each node, SVG one arrow for each; JSON has all of them."""
    graph = graph_of(needs)
    edges = sorted((need, node) for node, them in reduce_needs(graph).items() for need in them)
    assert sorted(re.findall(r'^  "(\S+)" -> "(\S+)";$', draw_dot(graph), re.MULTILINE)) == edges
    mermaid = draw_mermaid(graph)
    names = dict(re.findall(r'^  (n\d+)\["(\S+)"\]', mermaid, re.MULTILINE))
    assert sorted((names[need], names[node]) for need, node in re.findall(r"^  (n\d+) --> (n\d+)$", mermaid, re.MULTILINE)) == edges
    lines = re.findall(r"○ (\S+)(?: +← (.*))?$", draw_text(graph), re.MULTILINE)
    assert sorted((need, node) for node, them in lines for need in them.split(", ") if need) == edges
    assert draw_svg(graph).count("l-6 -3.5v7z") == len(edges)
    assert {node["name"]: sorted(node["needs"]) for node in json.loads(draw_json(graph))["nodes"]} == {
        name: sorted(them) for name, them in needs.items()
    }


@EXAMPLES
@given(name=st.text(st.sampled_from("a \"'\\\\<>&#;]é日"), min_size=1, max_size=12))
def test_any_name_is_shown_as_it_is(name: str) -> None:
    """No character of it ends its label."""
    graph = graph_of({name: []})
    picture = ET.fromstring(draw_svg(graph))  # noqa: S314 - the text is ours
    label = picture.find(f".//{SVG}g/{SVG}text")
    assert label is not None
    assert "".join(label.itertext()) == name
    (statement,) = re.findall(r'^  ("(?:[^"\\]|\\.)*") \[fillcolor', draw_dot(graph), re.MULTILINE)
    assert re.sub(r"\\(.)", r"\1", statement[1:-1]) == name
    (text,) = re.findall(r'\["([^"]*)"\]', draw_mermaid(graph))
    assert text.replace("#quot;", '"').replace("#35;", "#") == name


@pytest.mark.parametrize(
    ("steps", "services", "text"),
    [(0, 0, "0 steps and 0 services"), (1, 1, "1 step and 1 service"), (2, 0, "2 steps and 0 services"), (0, 2, "0 steps and 2 services")],
)
def test_nodes_are_counted(steps: int, services: int, text: str) -> None:
    """In the singular and in the plural."""
    names = {f"service{number}" for number in range(services)}
    assert count_nodes(graph_of({f"step{number}": [] for number in range(steps)} | dict.fromkeys(names, ()), services=names)) == text


def test_a_long_name_has_a_line_of_its_own() -> None:
    """Its needs follow below, in the column of all needs."""
    long = "component." + "x" * 30
    assert draw_text(graph_of({"a": [], "b": [], long: ["a", "b"]})).splitlines()[-2:] == [f"  2 ○ {long}", f"{'':41}← a, b"]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        (None, "text"),
        ("graph.svg", "svg"),
        ("a/b.c/graph.dot", "dot"),
        ("graph.gv", "dot"),
        ("graph.mmd", "mermaid"),
        ("graph.mermaid", "mermaid"),
        ("graph.json", "json"),
        ("graph.text", "text"),
        ("graph.txt", "text"),
        ("graph", "text"),
        (".svg", "text"),
        ("graph.svg.bak", "text"),
    ],
)
def test_the_name_of_a_file_decides_the_format(file: str | None, name: str) -> None:
    """By its last suffix; each format can be drawn."""
    assert find_format(PurePath(file) if file else None) == name
    assert name in DRAWINGS
