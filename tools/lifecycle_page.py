"""The page about the life of a node, written from the transition table."""

from collections.abc import Iterator

from novaflow.plan.lifecycle import LIFECYCLE
from novaflow.render.as_states import draw_states
from tools.markdown import GENERATED, escape, table

_HEAD = """\
# The life of a node

A node is a step or a service in the graph of a workflow. Each node is in one phase. `LIFECYCLE` in
`novaflow/plan/lifecycle.py` is the table of all transitions; a transition that the table does not list changes nothing. The
plan (`novaflow/plan/plan.py`) is the only code that applies a transition. It is pure: it receives facts from the engine and
returns actions, and the engine performs them.
"""
_TRANSITIONS = "## Transitions\n\nEach cell is the next phase.\n"
_EVENTS = "## What a transition means\n"
_DIAGRAM = "## Diagram\n\n`novaflow graph --states` prints this diagram in the Mermaid language:\n"


def page() -> str:
    """Return the page: the table, the meaning of each transition, and the diagram."""
    kinds = [*dict.fromkeys(kind for row in LIFECYCLE.values() for kind in row)]
    head = ("phase", *(f"`{kind.__name__}`" for kind in kinds))
    meanings = table(("transition", "meaning"), ((f"`{kind.__name__}`", escape(kind.__doc__ or "")) for kind in kinds))
    diagram = f"```mermaid\n{draw_states()}```\n"
    return "\n".join([GENERATED, _HEAD, _TRANSITIONS, *table(head, _rows(kinds)), _EVENTS, *meanings, _DIAGRAM, diagram])


def _rows(kinds: list[type]) -> Iterator[tuple[str, ...]]:
    for phase, row in LIFECYCLE.items():
        yield f"`{phase.value}`", *(f"`{row[kind].value}`" if kind in row else "" for kind in kinds)
