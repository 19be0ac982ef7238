"""Drawings: the content of each format, and the escaping of names."""

import json
from xml.etree import ElementTree as ET

import pytest

from novaflow.render import DRAWINGS
from novaflow.render.as_dot import draw_dot
from novaflow.render.as_json import draw_json
from novaflow.render.as_mermaid import draw_mermaid
from novaflow.render.as_states import draw_states
from novaflow.render.as_svg import draw_svg
from novaflow.render.as_text import draw_text
from novaflow.render.colours import choose_colours
from novaflow.render.reduction import reduce_needs
from tests.support.toys import graph_of

SITE = graph_of({"db.create": [], "mariadb": ["db.create"], "web": ["mariadb", "db.create"]}, services={"mariadb", "web"})
SVG = "{http://www.w3.org/2000/svg}"


def test_implied_needs_are_not_drawn() -> None:
    """A need that another need implies is left out; the others keep the order of declaration."""
    graph = graph_of({"a": [], "b": ["a"], "c": ["a", "b"], "d": ["c", "a", "other"], "other": []})
    assert reduce_needs(graph) == {"a": (), "b": ("a",), "c": ("b",), "d": ("c", "other"), "other": ()}


def test_text_shows_layers_and_needs() -> None:
    """One line for each node, numbered by layer, with its needs."""
    assert draw_text(SITE) == (
        "run: 1 step and 2 services in 3 layers (○ step, ● service, ← what it needs)\n"
        "\n"
        "  1 ○ db.create\n"
        "\n"
        "  2 ● mariadb   ← db.create\n"
        "\n"
        "  3 ● web       ← mariadb\n"
    )


def test_text_fits_a_terminal() -> None:
    """No line is longer than 80 columns, with any number of needs and any length of names."""
    needs: dict[str, list[str]] = {f"component-{number}.some-step": [] for number in range(12)}
    text = draw_text(graph_of(needs | {"a-component-of-a-long-name.and-its-step": [*needs]}))
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("component-7.some-step") == 2


def test_mermaid_draws_boxes_and_pills() -> None:
    """Steps are boxes, services are pills, arrows lead from a need to its dependent."""
    lines = draw_mermaid(SITE).splitlines()
    assert lines[:6] == [
        "flowchart LR",
        '  n0["db.create"]:::c0',
        '  n1(["mariadb"]):::c1',
        '  n2(["web"]):::c2',
        "  n0 --> n1",
        "  n1 --> n2",
    ]


def test_dot_names_nodes_and_edges() -> None:
    """Every node and every drawn need is a statement."""
    dot = draw_dot(SITE)
    assert dot.startswith('digraph "run" {')
    assert '  "db.create" -> "mariadb";\n  "mariadb" -> "web";\n}' in dot


def test_json_contains_every_need() -> None:
    """Programs get all needs and the kind of each node."""
    drawn = json.loads(draw_json(SITE))
    assert drawn["workflow"] == "run"
    assert [(node["name"], node["kind"], node["needs"]) for node in drawn["nodes"]] == [
        ("db.create", "step", []),
        ("mariadb", "service", ["db.create"]),
        ("web", "service", ["db.create", "mariadb"]),
    ]


def test_svg_shows_every_node_once() -> None:
    """The document is well-formed and contains each name."""
    picture = ET.fromstring(draw_svg(SITE))  # noqa: S314 - the text is ours
    labels = ["".join(group.find(f"{SVG}text").itertext()) for group in picture.iter(f"{SVG}g")]  # type: ignore[union-attr]
    assert sorted(labels) == ["db.create", "mariadb", "web"]


def test_svg_edges_have_one_arrow_each() -> None:
    """An edge that passes layers has one arrow, at its end."""
    picture = draw_svg(graph_of({"a": [], "b": ["a"], "c": ["b"], "early": ["a"], "late": ["c", "early"]}))
    assert picture.count("l-6 -3.5v7z") == 5


@pytest.mark.parametrize("language", DRAWINGS)
def test_an_empty_graph_is_drawn(language: str) -> None:
    """Every format accepts a graph without nodes."""
    assert DRAWINGS[language](graph_of({})).endswith("\n")


@pytest.mark.parametrize("language", DRAWINGS)
def test_drawings_are_deterministic(language: str) -> None:
    """The same graph gives the same text."""
    needs = {f"n{number}": [f"n{before}" for before in range(0, number, 3)] for number in range(12)}
    assert DRAWINGS[language](graph_of(needs)) == DRAWINGS[language](graph_of(needs))


def test_names_are_escaped() -> None:
    """Quotes, markup and entities in names are shown as they are."""
    graph = graph_of({'a"<b>&#x;\\': []})
    assert "".join(ET.fromstring(draw_svg(graph)).find(f".//{SVG}g/{SVG}text").itertext()) == 'a"<b>&#x;\\'  # type: ignore[union-attr]  # noqa: S314 - the text is ours
    assert r'"a\"<b>&#x;\\"' in draw_dot(graph)
    assert '["a#quot;<b>&#35;x;\\"]' in draw_mermaid(graph)
    assert json.loads(draw_json(graph))["nodes"][0]["name"] == 'a"<b>&#x;\\'


def test_components_differ_in_colour() -> None:
    """Each component has its own colours."""
    colours = choose_colours(graph_of({f"c{number}.go": [] for number in range(20)}))
    assert len({shades.line for shades in colours.values()}) == 20


def test_states_follow_the_table() -> None:
    """Every transition to another phase is an arrow."""
    assert draw_states().splitlines() == [
        "stateDiagram-v2",
        "  [*] --> waiting",
        "  waiting --> starting: started",
        "  waiting --> failed: failed",
        "  waiting --> stopped: stop requested",
        "  starting --> up: succeeded",
        "  starting --> failed: failed",
        "  starting --> backoff: crashed",
        "  starting --> stopping: stop requested",
        "  up --> failed: failed",
        "  up --> backoff: crashed",
        "  up --> stopping: stop requested",
        "  stopping --> failed: failed",
        "  stopping --> stopped: crashed",
        "  stopping --> stopped: exited",
        "  backoff --> waiting: restart due",
        "  backoff --> waiting: start requested",
        "  backoff --> stopped: stop requested",
        "  failed --> waiting: start requested",
        "  stopped --> waiting: start requested",
        "  failed --> [*]",
        "  stopped --> [*]",
    ]
