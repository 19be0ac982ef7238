"""A secret that `secrets rotate` does not change."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeptSecret:
    """A secret of that name, which a component declares; ``reason`` says why it stays and what to do instead."""

    name: str
    reason: str
