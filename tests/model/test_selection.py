"""What a watcher's keys do."""

import pytest

from novaflow.model.selection import BACKSPACE, DOWN, ENTER, ESCAPE, UP, Selection, Typing

NAMES = ("mariadb", "nova-api", "nova-compute", "rabbitmq")


def after(*keys: str) -> Selection:
    """Return the choice after these keys."""
    choice = Selection().settled(NAMES)
    for key in keys:
        choice = choice.pressed(key, NAMES)
    return choice


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
def test_keys_lead_through_what_is_listed(keys: tuple[str, ...], selected: str) -> None:
    """Round and round; what is not listed is never selected."""
    assert after(*keys).selected == selected


def test_a_filter_is_typed() -> None:
    """Letters that are commands elsewhere are letters here, until Enter."""
    choice = after("f", *"nova-q", BACKSPACE, "c")
    assert (choice.filter, choice.typing, choice.selected) == ("nova-c", Typing.FILTER, "nova-compute")
    assert choice.listed(NAMES) == ["nova-compute"]
    assert choice.pressed(ENTER, NAMES).typing is Typing.NOTHING


def test_a_search_is_typed_and_escape_takes_all_back() -> None:
    """Escape while typing takes the text back, and afterwards filter and search."""
    assert after("/", *"err", ENTER).search == "err"
    assert after("/", *"err", ESCAPE) == Selection("mariadb")
    assert after("f", *"nova", ENTER, "/", *"err", ENTER, ESCAPE) == Selection("nova-api")
    assert after("/", UP, "a").search == "a"
