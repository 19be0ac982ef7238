"""`novaflow attach` where it cannot work; tests/system attaches to real sessions."""

from tests.support.toy_stack import Novaflow, ToyStack


def test_a_terminal_is_required(novaflow: Novaflow, toy: ToyStack) -> None:
    """The message has the command for a pipe; nothing is created."""
    ended = novaflow("attach")
    expected = "novaflow: attach needs a terminal; `novaflow logs NAME -f` follows a log without one\n"
    assert (ended.code, ended.out, ended.err) == (2, "", expected)
    assert not toy.root.exists()


def test_an_unknown_service_is_refused(novaflow: Novaflow, toy: ToyStack) -> None:
    """The name is checked first."""
    toy.add_services()
    ended = novaflow("attach", "wbe")
    assert (ended.code, ended.out) == (2, "")
    assert "'wbe'" in ended.err
