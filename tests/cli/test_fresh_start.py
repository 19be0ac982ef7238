"""What `novaflow run` and `novaflow up --fresh` delete, and the question before."""

import pytest

from tests.support.toy_stack import Novaflow, ToyStack, describe_failure

LOSS = 'return "2 servers and 1 volume"'
STARTS = [("run",), ("run", "--wait-ready"), ("up", "--fresh")]


def add_inventory(toy: ToyStack, body: str) -> None:
    """Add a step that counts what a fresh start deletes, and one that deletes it and then fails, so that nothing is started."""
    toy.add_step("inventory", body)
    text = (toy.workflows / "components/extra.py").read_text()
    toy.write("components/extra.py", text.replace("async def body", "async def count").replace("(body,)", "(count,)"))
    toy.add_step("reset", 'raise StepFailed("the disk is broken")', component="disk")


@pytest.mark.parametrize("words", STARTS)
def test_without_a_terminal_nothing_is_deleted(novaflow: Novaflow, toy: ToyStack, words: tuple[str, ...]) -> None:
    """The message says what would be lost and how to go on; the exit code is 2."""
    add_inventory(toy, LOSS)
    ended = novaflow(*words)
    assert (ended.code, ended.out) == (2, "a fresh start of nova deletes 2 servers and 1 volume\n")
    assert ended.err == "novaflow: nothing was deleted; add --yes to delete them, or keep them with `novaflow up`\n"


@pytest.mark.parametrize("words", STARTS)
def test_yes_deletes_without_a_question(novaflow: Novaflow, toy: ToyStack, words: tuple[str, ...]) -> None:
    """What is lost is printed; a deletion that fails ends the command."""
    add_inventory(toy, LOSS)
    ended = novaflow(*words, "--yes")
    assert (ended.code, ended.err) == (3, describe_failure("reset", "disk.body"))
    assert "a fresh start of nova deletes 2 servers and 1 volume\n" in ended.out


@pytest.mark.parametrize("words", STARTS)
def test_an_empty_stack_is_not_asked_for(novaflow: Novaflow, toy: ToyStack, words: tuple[str, ...]) -> None:
    """The data is deleted all the same: it may be incomplete."""
    add_inventory(toy, 'return Skipped("the cloud is empty")')
    assert novaflow(*words).err == describe_failure("reset", "disk.body")


def test_an_inventory_that_fails_deletes_nothing(novaflow: Novaflow, toy: ToyStack) -> None:
    """The exit code is 3, and the message names the step."""
    add_inventory(toy, 'raise StepFailed("the database is broken")')
    ended = novaflow("run", "--yes")
    assert (ended.code, ended.err) == (3, describe_failure("inventory", "extra.count"))


@pytest.mark.parametrize("command", ["run", "up"])
def test_data_that_cannot_be_used_is_refused_by_up_alone(novaflow: Novaflow, toy: ToyStack, command: str) -> None:
    """`run` deletes it; `up` says why, with exit code 2."""
    add_inventory(toy, 'return Skipped("the cloud is empty")')
    toy.add_workflow("run", "stays=True, reason_unusable=lambda settings, paths, components: 'the cloud is too old'")
    expected = describe_failure("reset", "disk.body") if command == "run" else "novaflow: the cloud is too old\n"
    assert novaflow(command).err == expected
