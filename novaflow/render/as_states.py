"""The life cycle of a node as a Mermaid state diagram."""

import re

from novaflow.plan.lifecycle import LIFECYCLE, Phase, StartRequested


def draw_states() -> str:
    """Return the table of phases as a Mermaid state diagram, without transitions that lead back to the same phase."""
    transitions = [
        f"  {before.value} --> {after.value}: {_words(transition.__name__)}"
        for before, row in LIFECYCLE.items()
        for transition, after in row.items()
        if after is not before
    ]
    # A phase that only a user's request leaves is an end.
    ends = [f"  {phase.value} --> [*]" for phase, row in LIFECYCLE.items() if row.keys() <= {StartRequested}]
    return "\n".join(["stateDiagram-v2", f"  [*] --> {Phase.WAITING.value}", *transitions, *ends, ""])


def _words(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()
