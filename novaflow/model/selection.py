"""What a person who watches services has chosen to see, and how keys change it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

UP, DOWN, ENTER, ESCAPE, BACKSPACE = "\x1b[A", "\x1b[B", "\n", "\x1b", "\x7f"  # as terminals send them


class Typing(StrEnum):
    """Which text is being typed."""

    NOTHING = ""
    FILTER = "filter"
    SEARCH = "search"


_BEGINS = {"f": Typing.FILTER, "/": Typing.SEARCH}
_STEPS = {UP: -1, "k": -1, DOWN: 1, "j": 1}


@dataclass(frozen=True, slots=True)
class Selection:
    """The service that is selected, which services are listed, and which lines of its log; nothing chosen means all.

    ``filter`` is a part of services' names, ``search`` a part of lines.
    """

    selected: str = ""
    filter: str = ""
    search: str = ""
    typing: Typing = Typing.NOTHING

    def pressed(self, key: str, names: Sequence[str]) -> Self:
        """Return the choice after a key; ``names`` are all services there are."""
        return self._typed(key).settled(names) if self.typing else self._commanded(key, names)

    def listed(self, names: Sequence[str]) -> Sequence[str]:
        """Return the services that are listed."""
        return [name for name in names if self.filter in name]

    def settled(self, names: Sequence[str]) -> Self:
        """Return the choice with a service selected that is listed, if there is any."""
        listed = self.listed(names)
        return self if self.selected in listed else replace(self, selected=listed[0] if listed else "")

    def _commanded(self, key: str, names: Sequence[str]) -> Self:
        if key in _STEPS and (listed := self.listed(names)):
            place = listed.index(self.selected) if self.selected in listed else 0
            return replace(self, selected=listed[(place + _STEPS[key]) % len(listed)])
        if key == ESCAPE:
            return replace(self, filter="", search="").settled(names)
        return replace(self, typing=_BEGINS.get(key, Typing.NOTHING))

    def _typed(self, key: str) -> Self:
        if key == ENTER:
            return replace(self, typing=Typing.NOTHING)
        text = self.filter if self.typing is Typing.FILTER else self.search
        if key == ESCAPE:
            text = ""
        elif key == BACKSPACE:
            text = text[:-1]
        elif key.isprintable():
            text += key
        done = replace(self, typing=Typing.NOTHING if key == ESCAPE else self.typing)
        return replace(done, filter=text) if self.typing is Typing.FILTER else replace(done, search=text)
