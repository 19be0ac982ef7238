"""`novaflow logs`: the last lines of services' and steps' logs."""

import pytest

from tests.support.toy_stack import Novaflow, ToyStack


@pytest.fixture(autouse=True)
def services(toy: ToyStack) -> None:
    """Add two services, which have written 250 lines each, and a step that has written one."""
    toy.add_services()
    toy.paths.log.mkdir(parents=True)
    for name in ("web", "web-worker"):
        (toy.paths.log / f"{name}.log").write_text("".join(f"{name} {number}\n" for number in range(250)))
    (toy.paths.log / "toy.create.log").write_text("created\n")


def test_the_log_of_a_service_is_printed(novaflow: Novaflow) -> None:
    """The last 200 lines are printed as they are."""
    ended = novaflow("logs", "web-worker")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [f"web-worker {number}" for number in range(50, 250)]


def test_all_services_are_printed_with_their_names(novaflow: Novaflow) -> None:
    """The last 20 lines of each begin with its name; steps are not included."""
    lines = novaflow("logs").out.splitlines()
    assert lines == [
        *(f"web        | web {number}" for number in range(230, 250)),
        *(f"web-worker | web-worker {number}" for number in range(230, 250)),
    ]


def test_an_alias_means_all_services_of_its_component(novaflow: Novaflow) -> None:
    """The names of nova.sh are accepted."""
    assert novaflow("logs", "httpd").out == novaflow("logs").out


def test_the_log_of_a_step_is_printed(novaflow: Novaflow) -> None:
    """A step has a log as well."""
    assert novaflow("logs", "toy.create").out == "created\n"


def test_services_without_a_log_are_skipped(novaflow: Novaflow, toy: ToyStack) -> None:
    """A service that was not started yet has no log; with one log left, its lines have no prefix."""
    (toy.paths.log / "web.log").unlink()
    assert novaflow("logs").out.splitlines()[-1] == "web-worker 249"


def test_an_unknown_name_is_refused(novaflow: Novaflow) -> None:
    """The message lists the existing logs."""
    ended = novaflow("logs", "nope")
    expected = "novaflow: there is no log of nope; there are: toy.create, web, web-worker\n"
    assert (ended.code, ended.out, ended.err) == (2, "", expected)


def test_a_stack_without_logs_is_refused(novaflow: Novaflow, toy: ToyStack) -> None:
    """The message names the folder that does not exist."""
    ended = novaflow("logs", "web", "other")
    assert (ended.code, ended.err) == (2, f"novaflow: there are no logs: {toy.folder}/other/log does not exist\n")


def test_invalid_bytes_are_replaced(novaflow: Novaflow, toy: ToyStack) -> None:
    """A program may write anything."""
    (toy.paths.log / "web.log").write_bytes(b"\xff ok\n")
    assert novaflow("logs", "web").out == "\ufffd ok\n"
