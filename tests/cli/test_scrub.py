"""`novaflow scrub` without a supervisor."""

import json

from tests.support.toy_stack import Novaflow, ToyStack

ORPHANS = """
from novaflow.model.component import Component
from novaflow.model.orphan import OrphanedResource
from novaflow.model.step import step


async def find_bridges(ctx):
    return [OrphanedResource("bridge", path.name, "its name begins with toy-") for path in ctx.paths.data.glob("toy-*")]


@step(within_s=5)
async def remove(ctx):
    \"\"\"Remove the bridges.\"\"\"
    for path in ctx.paths.data.glob("toy-[1-8]"):
        path.unlink()


COMPONENT = Component("bridges", "Bridges that are files.", {"clean": (remove,)}, orphans=(find_bridges,))
"""


def leave_bridges(toy: ToyStack, *names: str) -> None:
    """Leave what a crashed stack leaves, and bridges of these names; that of toy-9 cannot be removed."""
    toy.add_workflow("clean")
    toy.write("components/bridges.py", ORPHANS)
    toy.crash()
    toy.paths.data.mkdir()
    for name in names:
        (toy.paths.data / name).touch()


def test_without_a_stack_there_is_nothing_to_remove(novaflow: Novaflow, toy: ToyStack) -> None:
    """That is not an error, and no folder is created."""
    ended = novaflow("scrub")
    assert (ended.code, ended.out, ended.err) == (0, f"there is no stack in {toy.root}\n", "")
    assert not toy.root.exists()


def test_without_a_stack_the_json_array_is_empty(novaflow: Novaflow, toy: ToyStack) -> None:
    """Programs read the same type in every case."""
    assert json.loads(novaflow("scrub", "--dry-run", "--json").out) == []
    assert not toy.root.exists()


def test_a_dry_run_lists_what_a_scrub_would_remove(novaflow: Novaflow, toy: ToyStack) -> None:
    """The array has kind, name and reason of each resource, and everything stays."""
    leave_bridges(toy, "toy-1")
    ended = novaflow("scrub", "--dry-run", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out) == [
        {"kind": "bridge", "name": "toy-1", "reason": "its name begins with toy-"},
        {"kind": "file", "name": f"{toy.paths.run}/token", "reason": "left in the stack's folder of sockets, process ids and tokens"},
    ]
    assert (toy.paths.data / "toy-1").exists()
    assert (toy.paths.run / "token").exists()


def test_users_get_a_list_and_a_count(novaflow: Novaflow, toy: ToyStack) -> None:
    """The last line says how many resources there are."""
    leave_bridges(toy, "toy-1", "toy-2")
    listed = novaflow("scrub", "--dry-run").out.splitlines()
    assert [line.split()[:2] for line in listed[:2]] == [["bridge", "toy-1"], ["bridge", "toy-2"]]
    assert listed[-1] == "3 would be removed"


def test_a_scrub_removes_everything(novaflow: Novaflow, toy: ToyStack) -> None:
    """A second scrub finds nothing, and the stack is stopped."""
    leave_bridges(toy, "toy-1")
    ended = novaflow("scrub")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.endswith("2 were removed\n")
    assert not (toy.paths.data / "toy-1").exists()
    assert novaflow("scrub").out.endswith("nothing to remove\n")
    assert json.loads(novaflow("scrub", "--json").out) == []
    assert novaflow("status").code == 6


def test_with_json_events_are_shown_on_standard_error(novaflow: Novaflow, toy: ToyStack) -> None:
    """Standard output holds the array and nothing else."""
    leave_bridges(toy, "toy-1")
    ended = novaflow("scrub", "--json")
    assert [orphan["kind"] for orphan in json.loads(ended.out)] == ["bridge", "file"]
    assert "clean succeeded" in ended.err


def test_what_cannot_be_removed_is_an_error(novaflow: Novaflow, toy: ToyStack) -> None:
    """The exit code is 3, and the message names each remaining resource."""
    leave_bridges(toy, "toy-1", "toy-9")
    ended = novaflow("scrub")
    assert (ended.code, ended.err) == (3, "novaflow: bridge toy-9 could not be removed\n")
    assert not (toy.paths.data / "toy-1").exists()
