"""Keys of the dashboard."""

import pytest

from novaflow.model.selection import BACKSPACE, DOWN, ENTER, ESCAPE, UP, Selection, Typing

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
