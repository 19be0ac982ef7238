"""What the dashboard shows, and how keys change it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

UP, DOWN, ENTER, ESCAPE, BACKSPACE = "\x1b[A", "\x1b[B", "\n", "\x1b", "\x7f"  # as terminals send them
PAGE_UP, PAGE_DOWN = "\x1b[5~", "\x1b[6~"
PAGE_LINES = 5  # by which these keys scroll: the smallest terminal shows six


class Typing(StrEnum):
    """The text that is being typed."""

    NOTHING = ""
    FILTER = "filter"
    SEARCH = "search"


class Pane(StrEnum):
    """What is shown below the services."""

    LOG = "log"
    EVENTS = "events"
    NEEDS = "needs"
    KEYS = "keys"

    @property
    def ends_now(self) -> bool:
        """Return whether its last lines are the newest, and are shown first."""
        return self in {Pane.LOG, Pane.EVENTS}


_PANES = {"l": Pane.LOG, "e": Pane.EVENTS, "g": Pane.NEEDS, "?": Pane.KEYS}
_TYPING_KEYS = {"f": Typing.FILTER, "/": Typing.SEARCH}
_MOVES = {UP: -1, "k": -1, DOWN: 1, "j": 1}


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected service, the listed services, what is shown below them, and the lines that are searched for.

    Services are listed whose names contain ``filter``; ``search`` is a part of a line. An empty text matches everything.
    ``scrolled`` counts the lines between those that are shown first and those that are shown now.
    """

    selected: str = ""
    filter: str = ""
    search: str = ""
    typing: Typing = Typing.NOTHING
    pane: Pane = Pane.LOG
    scrolled: int = 0

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

    def limit_scroll(self, lines: int) -> Self:
        """Return the selection scrolled no further than to the last of so many lines."""
        return replace(self, scrolled=max(0, min(self.scrolled, lines - 1)))

    def show_lines(self, lines: Sequence[str], count: int) -> Sequence[str]:
        """Return those of the lines that are searched for and fit into ``count`` lines."""
        found = [line for line in lines if self.search in line]
        scrolled = max(0, min(self.scrolled, len(found) - count))
        first = max(0, len(found) - count - scrolled) if self.pane.ends_now else scrolled
        return found[first : first + count]

    def _press_command(self, key: str, names: Sequence[str]) -> Self:
        if key in _MOVES and (listed := self.listed(names)):
            index = listed.index(self.selected) if self.selected in listed else 0
            return replace(self, selected=listed[(index + _MOVES[key]) % len(listed)], scrolled=0)
        if key in _PANES:  # a second press closes what the first one has opened
            return replace(self, pane=Pane.LOG if self.pane is _PANES[key] else _PANES[key], scrolled=0)
        if key in {PAGE_UP, PAGE_DOWN}:
            is_away = (key == PAGE_UP) is self.pane.ends_now
            return replace(self, scrolled=max(0, self.scrolled + (PAGE_LINES if is_away else -PAGE_LINES)))
        if key == ESCAPE:
            return replace(self, filter="", search="", pane=Pane.LOG, scrolled=0).select_listed(names)
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
