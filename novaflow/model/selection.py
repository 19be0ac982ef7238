"""What the dashboard shows, and how keys change it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

UP, DOWN, ENTER, ESCAPE, BACKSPACE = "\x1b[A", "\x1b[B", "\n", "\x1b", "\x7f"  # as terminals send them


class Typing(StrEnum):
    """The text that is being typed."""

    NOTHING = ""
    FILTER = "filter"
    SEARCH = "search"


_TYPING_KEYS = {"f": Typing.FILTER, "/": Typing.SEARCH}
_MOVES = {UP: -1, "k": -1, DOWN: 1, "j": 1}


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected service, the listed services and the lines of its log that are searched for.

    Services are listed whose names contain ``filter``; ``search`` is a part of a line. An empty text matches everything.
    """

    selected: str = ""
    filter: str = ""
    search: str = ""
    typing: Typing = Typing.NOTHING

    def press(self, key: str, names: Sequence[str]) -> Self:
        """Return the selection after a key; ``names`` are all services."""
        return self._press_text(key).select_listed(names) if self.typing else self._press_command(key, names)

    def listed(self, names: Sequence[str]) -> Sequence[str]:
        """Return the services that are listed."""
        return [name for name in names if self.filter in name]

    def select_listed(self, names: Sequence[str]) -> Self:
        """Return the selection with a listed service selected; unchanged if one is."""
        listed = self.listed(names)
        return self if self.selected in listed else replace(self, selected=listed[0] if listed else "")

    def _press_command(self, key: str, names: Sequence[str]) -> Self:
        if key in _MOVES and (listed := self.listed(names)):
            index = listed.index(self.selected) if self.selected in listed else 0
            return replace(self, selected=listed[(index + _MOVES[key]) % len(listed)])
        if key == ESCAPE:
            return replace(self, filter="", search="").select_listed(names)
        return replace(self, typing=_TYPING_KEYS.get(key, Typing.NOTHING))

    def _press_text(self, key: str) -> Self:
        if key == ENTER:
            return replace(self, typing=Typing.NOTHING)
        text = self.filter if self.typing is Typing.FILTER else self.search
        if key == ESCAPE:
            text = ""
        elif key == BACKSPACE:
            text = text[:-1]
        elif key.isprintable():
            text += key
        ended = replace(self, typing=Typing.NOTHING if key == ESCAPE else self.typing)
        return replace(ended, filter=text) if self.typing is Typing.FILTER else replace(ended, search=text)
