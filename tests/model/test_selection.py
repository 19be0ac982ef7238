"""Keys of the dashboard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaflow.model.selection import BACKSPACE, DOWN, ENTER, ESCAPE, PAGE_DOWN, PAGE_UP, UP, Pane, Selection, Typing
from tests.support.properties import EXAMPLES

NAMES = ("mariadb", "nova-api", "nova-compute", "rabbitmq")


def after(*keys: str) -> Selection:
    """Return the selection after these keys."""
    selection = Selection().select_listed(NAMES)
    for key in keys:
        selection = selection.press(key, NAMES)
    return selection


@pytest.mark.parametrize(
    ("keys", "selected"),
    [
        ((), "mariadb"),
        ((DOWN,), "nova-api"),
        (("j", "j", "k"), "nova-api"),
        ((UP,), "rabbitmq"),
        ((DOWN, DOWN, DOWN, DOWN), "mariadb"),
        (("f", *"nova", ENTER, DOWN), "nova-compute"),
        (("f", *"nova", ENTER, UP, DOWN), "nova-api"),
        (("f", *"none", ENTER, DOWN), ""),
        (("x",), "mariadb"),
    ],
)
def test_arrow_keys_select_listed_services(keys: tuple[str, ...], selected: str) -> None:
    """The selection wraps around, and skips services that are not listed."""
    assert after(*keys).selected == selected


def test_a_filter_is_typed() -> None:
    """Letters that are commands elsewhere are text until Enter."""
    selection = after("f", *"nova-q", BACKSPACE, "c")
    assert (selection.filter, selection.typing, selection.selected) == ("nova-c", Typing.FILTER, "nova-compute")
    assert selection.listed(NAMES) == ["nova-compute"]
    assert selection.press(ENTER, NAMES).typing is Typing.NOTHING


def test_escape_clears_filter_and_search() -> None:
    """While typing, Escape clears that text; otherwise it clears both."""
    assert after("/", *"err", ENTER).search == "err"
    assert after("/", *"err", ESCAPE) == Selection("mariadb")
    assert after("f", *"nova", ENTER, "/", *"err", ENTER, ESCAPE) == Selection("nova-api")
    assert after("/", UP, "a").search == "a"


def test_a_key_that_is_no_text_is_not_typed() -> None:
    """Arrow keys, other sequences and control characters change neither text nor selection while typing."""
    typed = after("/", *"err")
    for key in (UP, DOWN, "\x1b[3~", "\t", "\x01"):
        assert typed.press(key, NAMES) == typed
    assert typed.press("é", NAMES).search == "erré"


def test_deleting_more_than_the_text_is_no_error() -> None:
    """The text stays empty, and typing continues."""
    assert after("f", "a", BACKSPACE, BACKSPACE, BACKSPACE) == Selection("mariadb", typing=Typing.FILTER)


def test_a_filter_that_matches_nothing_selects_nothing() -> None:
    """When it is shorter again, the first service that it lists is selected."""
    assert after("f", *"nova-x") == Selection("", filter="nova-x", typing=Typing.FILTER)
    assert after("f", *"nova-x", BACKSPACE) == Selection("nova-api", filter="nova-", typing=Typing.FILTER)


def test_a_service_that_disappears_is_not_selected() -> None:
    """After a new run, which may have other services."""
    selection = after(DOWN)
    assert selection.selected == "nova-api"
    assert selection.select_listed(["web", "mail"]).selected == "web"
    assert selection.select_listed([]).selected == ""
    assert selection.press(DOWN, []) == selection
    assert Selection("removed").press(DOWN, NAMES).selected == "nova-api"


@pytest.mark.parametrize(("key", "pane"), [("e", Pane.EVENTS), ("g", Pane.NEEDS), ("?", Pane.KEYS), ("l", Pane.LOG)])
def test_a_key_opens_a_pane_and_closes_it(key: str, pane: Pane) -> None:
    """A second press and Escape show the log again; while typing it is text."""
    assert after(key).pane is pane
    assert after(key, key).pane is after(key, ESCAPE).pane is Pane.LOG
    assert after("/", key) == Selection("mariadb", search=key, typing=Typing.SEARCH)


LINES = [f"line {number}" for number in range(20)]


@pytest.mark.parametrize(
    ("keys", "first"),
    [
        ((), 12),
        ((PAGE_UP,), 7),
        ((PAGE_UP, PAGE_UP, PAGE_UP, PAGE_UP), 0),
        ((PAGE_UP, PAGE_DOWN, PAGE_DOWN), 12),
        ((PAGE_UP, DOWN), 12),
        (("g",), 0),
        (("g", PAGE_DOWN), 5),
        (("g", PAGE_DOWN, PAGE_UP, PAGE_UP), 0),
        (("g", *[PAGE_DOWN] * 9), 12),
        (("g", PAGE_DOWN, "e"), 12),
    ],
)
def test_pages_scroll(keys: tuple[str, ...], first: int) -> None:
    """Where the end is the newest, it is shown first; the screen is full as long as there are enough lines."""
    assert after(*keys).show_lines(LINES, 8) == LINES[first : first + 8]


def test_scrolling_ends_at_the_last_line() -> None:
    """To scroll back does not take as many keys as were pressed beyond it."""
    selection = after(*[PAGE_UP] * 100).limit_scroll(20)
    assert selection.press(PAGE_DOWN, NAMES).scrolled < 20
    assert selection.limit_scroll(0).scrolled == 0


def test_lines_that_are_searched_for_are_scrolled() -> None:
    """Those that do not match are not counted."""
    assert after("/", "1", ENTER).show_lines(LINES, 3) == ["line 17", "line 18", "line 19"]
    assert after("/", "1", ENTER, PAGE_UP).show_lines(LINES, 3) == ["line 12", "line 13", "line 14"]


@EXAMPLES
@given(keys=st.lists(st.sampled_from([UP, DOWN, ENTER, ESCAPE, BACKSPACE, "f", "/", "n", "a", "-", "q", "j"]), max_size=15))
def test_the_selected_service_is_always_listed(keys: list[str]) -> None:
    """After any keys; nothing is selected only if nothing is listed."""
    selection = after(*keys)
    listed = selection.listed(NAMES)
    assert selection.selected in listed if listed else selection.selected == ""
