"""The life of a node as a Mermaid diagram, from the table that rules it."""

import re

from novaflow.plan.lifecycle import LIFECYCLE, Phase, StartRequested


def draw_states() -> str:
    """Return the table of phases as a Mermaid state diagram; a move that leads nowhere else is left out."""
    moves = [
        f"  {before.value} --> {after.value}: {_words(move.__name__)}"
        for before, row in LIFECYCLE.items()
        for move, after in row.items()
        if after is not before
    ]
    # What only somebody's wish leads out of is an end.
    ends = [f"  {phase.value} --> [*]" for phase, row in LIFECYCLE.items() if row.keys() <= {StartRequested}]
    return "\n".join(["stateDiagram-v2", f"  [*] --> {Phase.WAITING.value}", *moves, *ends, ""])


def _words(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()
